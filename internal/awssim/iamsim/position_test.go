package iamsim_test

import (
	"testing"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/iamsim"
)

func FuzzStatementPlace(f *testing.F) {
	f.Add(pruner, 1)
	f.Add(`{"Statement":{"Effect":"Allow"}}`, 0)
	f.Add(`{"Statement":[]}`, 7)
	f.Add(`{"Statement":[{}`, -1)
	f.Fuzz(func(t *testing.T, text string, index int) {
		start, end := iamsim.StatementPlace(text, index)
		if _, err := iampolicy.Parse([]byte(text)); err == nil && (start.Line > end.Line || start.Line == end.Line && start.Column > end.Column+1) {
			t.Fatalf("%q: %v to %v", text, start, end)
		}
	})
}
