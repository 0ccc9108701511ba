package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/accounts"
)

// RunID names a run: the plan's name and the moment, "nightly@2026-05-01T02:00:00Z".
// Fractions of a second do not count.
func RunID(plan string, at time.Time) string {
	return plan + "@" + at.UTC().Format(time.RFC3339)
}

// parseRunID is the inverse of RunID. It accepts nothing that RunID would
// write differently.
func parseRunID(run string) (plan string, at time.Time, ok bool) {
	plan, moment, found := strings.Cut(run, "@")
	if !found || !isPlanName(plan) {
		return "", time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil || RunID(plan, at) != run {
		return "", time.Time{}, false
	}
	return plan, at.UTC(), true
}

// isPlanName says whether s can be the name of a plan: 1 to 64 of [A-Za-z0-9._-].
func isPlanName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// pointID names a recovery point; its originals and all its copies share it.
func pointID(vault accounts.ID, run, resource string) string {
	return "sk-" + digest("point", string(vault), run, resource)[:17]
}

// What a key is the key of.
const (
	keySnapshot = "snapshot"
	keyRekey    = "rekey"
	keyCopy     = "copy"
	keyImage    = "image"
)

// keyOf is the client token that CreateSnapshots and CopySnapshot lack: it
// travels in the tags of what they make, and says what a call was to make.
// Originals have one key for the whole set, since CreateSnapshots tags all
// snapshots alike: their volume and destination are empty.
func keyOf(vault accounts.ID, run, resource, step, volume, destination string) string {
	return digest("key", string(vault), run, resource, step, volume, destination)[:32]
}

// digest hashes a list of strings, none of which can be shifted into its neighbour.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte{byte(len(p) >> 24), byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p))})
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}
