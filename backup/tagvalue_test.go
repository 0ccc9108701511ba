package backup_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// Of all bytes, those stand for themselves in a field which every AWS service
// takes in the values of tags, but for what parts fields and begins an escape.
func TestFieldsHoldWhatTagsMay(t *testing.T) {
	plain := regexp.MustCompile(`^[A-Za-z0-9+\-._/@]$`)
	for c := range 256 {
		s := string([]byte{byte(c)})
		if plain.MatchString(s) {
			require.Equal(t, s, backup.EscapeField(s))
		} else {
			require.Regexp(t, `^=[0-9A-F]{2}$`, backup.EscapeField(s))
		}
	}
}
