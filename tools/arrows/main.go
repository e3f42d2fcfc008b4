// Arrows checks who imports whom: the tree is the drawing of the architecture, and this keeps the drawing true.
// It reads every Go file below the module, whatever its build tags, tests too.
//
//	go run ./tools/arrows
package main

import (
	"fmt"
	"os"
)

func main() {
	root, err := moduleRoot()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	faults, files, err := check(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, f := range faults {
		fmt.Println(f)
	}
	if len(faults) > 0 {
		fmt.Printf("%d wrong imports\n", len(faults))
		os.Exit(1)
	}
	fmt.Printf("the imports of %d files are as the table says\n", files)
}
