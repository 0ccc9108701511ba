package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed testdata/survivors.txt
var survivorsText string

// survivors returns why those that are known to survive do, by name.
func survivors() (map[string]string, error) {
	known := map[string]string{}
	name := ""
	for n, line := range strings.Split(survivorsText, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, "\t"):
			name = line
		case name == "":
			return nil, fmt.Errorf("survivors.txt:%d: a reason for nothing", n+1)
		default:
			known[name] = strings.TrimSpace(line)
			name = ""
		}
	}
	return known, nil
}
