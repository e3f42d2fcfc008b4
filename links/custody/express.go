package custody

// Express is the key of the record of a second numbering beside the one called key, for what does not wait for the stanzas of that.
func Express(key string) string { return key + "/express" }
