package backup_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// aManifest is one that Encode takes: a real job made it.
func aManifest(t testing.TB) backup.Manifest {
	t.Helper()
	// The point of run nightly@2026-05-01T02:00:00Z of vault 999999999999.
	m := backup.Manifest{
		Version: 1, Vault: vault, Plan: "nightly", Run: backup.RunID("nightly", time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)),
		Resource: "arn:aws:ec2:eu-west-1:222222222222:instance/i-b1", Kind: "instance", Site: siteB, Point: "sk-bbd99e7bd38a7baf5",
		Tags: map[string]string{"Name": "web"},
		Volumes: []backup.ManifestVolume{{
			Volume: "vol-b1", Device: "/dev/xvda", Type: "gp3", SizeGiB: 30, DeleteOnTermination: true, Tags: map[string]string{"disk": "root"},
		}},
		Instance: &backup.ManifestInstance{
			InstanceType: "m5.large", UserData: backup.NewSecret(marker), Metadata: backup.ManifestMetadata{Tokens: "required", HopLimit: 2},
			Interfaces: []backup.ManifestNIC{{Addresses: []backup.ManifestAddress{{Private: "10.0.0.7"}}}},
		},
	}
	return m
}

func TestAManifestSurvivesItsEncoding(t *testing.T) {
	m := aManifest(t)
	body, digest, err := m.Encode()
	require.NoError(t, err)
	require.Equal(t, backup.ManifestDigest(body), digest)
	again, err := backup.ParseManifest(body)
	require.NoError(t, err)
	require.Equal(t, m, again)
	second, _, err := again.Encode()
	require.NoError(t, err)
	require.Equal(t, string(body), string(second))
}

func TestWhatIsNoManifestIsRefused(t *testing.T) {
	body, _, err := aManifest(t).Encode()
	require.NoError(t, err)
	good := string(body)
	for name, text := range map[string]string{
		"empty":            "",
		"no JSON":          "manifest",
		"another version":  strings.Replace(good, `"version":1`, `"version":2`, 1),
		"no version":       strings.Replace(good, `"version":1,`, ``, 1),
		"an unknown field": strings.Replace(good, `"kind":`, `"colour":"red","kind":`, 1),
		"of another type":  strings.Replace(good, `"hopLimit":2`, `"hopLimit":"2"`, 1),
		"something behind": good + "{}",
		"of another plan":  strings.Replace(good, `"plan":"nightly"`, `"plan":"weekly"`, 1),
		"another resource": strings.Replace(good, `instance/i-b1`, `instance/i-b2`, 1),
		"another site":     strings.Replace(good, `"account":"222222222222"`, `"account":"111111111111"`, 1),
		"another kind":     strings.Replace(good, `"kind":"instance"`, `"kind":"volume"`, 1),
		"another vault":    strings.Replace(good, `"vault":"999999999999"`, `"vault":"888888888888"`, 1),
		"too large":        good + strings.Repeat(" ", backup.MaxManifest),
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, good, text)
			_, err := backup.ParseManifest([]byte(text))
			require.ErrorIs(t, err, backup.ErrManifest)
			require.NotContains(t, err.Error(), marker)
		})
	}
	_, _, err = backup.Manifest{}.Encode()
	require.ErrorIs(t, err, backup.ErrManifest)
	large := aManifest(t)
	large.Instance.UserData = backup.NewSecret(strings.Repeat("x", backup.MaxManifest))
	_, _, err = large.Encode()
	require.ErrorIs(t, err, backup.ErrManifest)
}

// oneStore answers everything with one body.
type oneStore string

func (s oneStore) Put(context.Context, backup.ManifestRef, []byte) error { return nil }

func (s oneStore) Get(context.Context, backup.ManifestRef) ([]byte, error) { return []byte(s), nil }

func TestATamperedManifestIsRefused(t *testing.T) {
	m := aManifest(t)
	body, digest, err := m.Encode()
	require.NoError(t, err)
	ref := backup.ManifestRef{Vault: vault, Plan: "nightly", Point: m.Point, Digest: digest}
	got, err := backup.ReadManifest(t.Context(), oneStore(body), ref)
	require.NoError(t, err)
	require.Equal(t, m, got)
	for name, change := range map[string]func(s string, r *backup.ManifestRef) string{
		"a byte":        func(s string, _ *backup.ManifestRef) string { return strings.Replace(s, "m5.large", "m5.metal", 1) },
		"cut":           func(s string, _ *backup.ManifestRef) string { return s[:len(s)-1] },
		"nothing left":  func(string, *backup.ManifestRef) string { return "" },
		"too large":     func(s string, _ *backup.ManifestRef) string { return s + strings.Repeat(" ", backup.MaxManifest) },
		"another point": func(s string, r *backup.ManifestRef) string { r.Point = "sk-0123456789abcdef0"; return s },
		"another plan":  func(s string, r *backup.ManifestRef) string { r.Plan = "weekly"; return s },
		"no reference":  func(s string, r *backup.ManifestRef) string { r.Point = ""; return s },
	} {
		t.Run(name, func(t *testing.T) {
			ref := ref
			text := change(string(body), &ref)
			_, err := backup.ReadManifest(t.Context(), oneStore(text), ref)
			require.ErrorIs(t, err, backup.ErrManifest)
			require.NotErrorIs(t, err, backup.ErrNotFound)
			require.NotContains(t, err.Error(), marker)
		})
	}
}

func TestManifestKeysAreReadBack(t *testing.T) {
	ref := backup.ManifestRef{Vault: vault, Plan: "..", Point: "sk-0123456789abcdef0", Digest: strings.Repeat("0a", 32)}
	require.NoError(t, ref.Validate())
	require.Equal(t, "999999999999/plan-../sk-0123456789abcdef0/"+ref.Digest+".json", ref.Key())
	again, err := backup.ParseManifestKey(ref.Key())
	require.NoError(t, err)
	require.Equal(t, ref, again)
	for _, key := range []string{
		"", "a/b/c/d", strings.TrimSuffix(ref.Key(), ".json"), strings.Replace(ref.Key(), "plan-", "", 1),
		"/" + ref.Key(), ref.Key() + "/", strings.ToUpper(ref.Key()), strings.Replace(ref.Key(), "sk-", "sk-/", 1),
	} {
		_, err := backup.ParseManifestKey(key)
		require.Error(t, err, key)
	}
}

// What is read is written back alike, and nothing makes it panic.
func FuzzParseManifest(f *testing.F) {
	body, _, err := aManifest(f).Encode()
	require.NoError(f, err)
	f.Add(body)
	f.Add([]byte(`{"version":1}`))
	f.Add([]byte(`{"version":1,"instance":{"userData":"` + marker + `","userData":5}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := backup.ParseManifest(text)
		if err != nil {
			require.ErrorIs(t, err, backup.ErrManifest)
			return
		}
		body, digest, err := m.Encode()
		require.NoError(t, err)
		again, err := backup.ParseManifest(body)
		require.NoError(t, err)
		second, same, err := again.Encode()
		require.NoError(t, err)
		require.Equal(t, string(body), string(second))
		require.Equal(t, digest, same)
		require.True(t, json.Valid(body))
	})
}
