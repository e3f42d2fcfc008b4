package frame

import (
	_ "embed"
	"strings"
)

// The preset is text that every model has learned before all else: stanzas as common clients write them, and plain English.
// A change to it, or to the model, is another version of the format.
//
//go:embed english.txt
var english string

//go:embed preset.txt
var stanzas string

func preset() [][]byte {
	var texts [][]byte
	for line := range strings.Lines(english) {
		texts = append(texts, []byte("<body>"+strings.TrimSuffix(line, "\n")+"</body>"))
	}
	for line := range strings.Lines(stanzas) {
		texts = append(texts, []byte(strings.TrimSuffix(line, "\n")))
	}
	return texts
}
