package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = `package p

func f(a, b int) int {
	if x := a; x > 0 && b > 0 {
		return 1
	}
	switch {
	case a == b, g(func() bool {
		if a == b {
			return true
		}
		return false
	}):
		return 2
	}
	switch a {
	case 1:
		return 3
	}
	return 4
}

func h(a, b int) (n int, ok bool) {
	g := func() string { return "a" + "b" }
	return len(g()), a < 0 || (b < 0 && !(a == b))
}

func k(a int) bool {
	if a < 0 {
		return true
	}
	return a > 9
}
`

func TestEachConditionIsWrappedOnce(t *testing.T) {
	text, mutants, err := instrument("p.go", []byte(sample), 7)
	require.NoError(t, err)
	var names []string
	for i, m := range mutants {
		require.Equal(t, 7+i, m.id)
		names = append(names, m.name)
	}
	require.Equal(t, []string{
		"p.go f: x > 0 && b > 0",
		"p.go f: a == b",
		"p.go f: g(func() bool { if a == b { return true } return false })",
		"p.go f: a == b #2",
		"p.go h: a < 0",
		"p.go h: b < 0",
		"p.go h: !(a == b)",
		"p.go k: a < 0",
		"p.go k: a > 9",
	}, names)
	for _, want := range []string{
		"if x := a; mutated(7) != (x > 0 && b > 0) {", "case mutated(8) != (a == b), mutated(9) != (g(func() bool {",
		"if mutated(10) != (a == b) {", "case 1:",
		"return len(g()), mutated(11) != (a < 0) || (mutated(12) != (b < 0) && mutated(13) != (!(a == b)))", "return true",
	} {
		require.Contains(t, string(text), want)
	}
}

// The files are there, and what is listed as a survivor is a condition in them.
func TestSurvivorsExist(t *testing.T) {
	all := map[string]bool{}
	for _, name := range files {
		source, err := os.ReadFile(filepath.Join("..", "..", dir, name))
		require.NoError(t, err)
		_, mutants, err := instrument(name, source, 1)
		require.NoError(t, err)
		require.NotEmpty(t, mutants)
		for _, m := range mutants {
			require.False(t, all[m.name], m.name)
			all[m.name] = true
		}
	}
	known, err := survivors()
	require.NoError(t, err)
	for name := range known {
		require.True(t, all[name], "%s is no condition any more", name)
	}
}
