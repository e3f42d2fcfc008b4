package config

import "path/filepath"

// Telemetry is the record of what crossed each link.
type Telemetry struct {
	Enabled    bool   `toml:"enabled" doc:"Keep it: one line for each event, never what people wrote."`
	Folder     string `toml:"folder" doc:"Where: a folder for each address of a peer is made in it. What is not absolute starts at the data folder."`
	MaxSize    Size   `toml:"max_size" doc:"The most that all of it may take; the oldest goes first."`
	Prometheus string `toml:"prometheus" eg:"\"127.0.0.1:9464\"" doc:"An address on which a monitoring system can read the figures (Prometheus). Default: none."`
}

// TelemetryPath is the telemetry's folder.
func (c *Config) TelemetryPath() string {
	if filepath.IsAbs(c.Telemetry.Folder) {
		return c.Telemetry.Folder
	}
	return filepath.Join(c.Data, c.Telemetry.Folder)
}

// NodeTelemetryPath is the node's own folder in it, so that those of several nodes can lie side by side.
func (c *Config) NodeTelemetryPath() string {
	name := "node"
	if len(c.Domains) > 0 {
		name = c.Domains[0]
	}
	return filepath.Join(c.TelemetryPath(), name)
}

// AirPath is the file of what was spent of the air.
func (c *Config) AirPath() string { return filepath.Join(c.Data, "air.json") }
