package lore

import "slices"

// Sorted is a list of words in the one order that counts, each once.
func Sorted[T ~string | ~[]byte](list []T) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, string(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
