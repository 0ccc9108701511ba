package world

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed worlds
var worlds embed.FS

// Named returns the text of one of the scripts that come with the program,
// and how to open the files it names.
func Named(name string) (text []byte, open func(string) ([]byte, error), err error) {
	if !slices.Contains(Names(), name) {
		return nil, nil, fmt.Errorf("there is no world %q, but %s", name, strings.Join(Names(), ", "))
	}
	open = func(file string) ([]byte, error) { return worlds.ReadFile("worlds/" + file) }
	text, err = open(name + ".yaml")
	return text, open, err
}

// Names returns the names of the scripts that come with the program, sorted.
func Names() []string {
	files, err := fs.Glob(worlds, "worlds/*.yaml")
	if err != nil {
		panic("world: a bad pattern: " + err.Error())
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "worlds/"), ".yaml")
	}
	return files
}
