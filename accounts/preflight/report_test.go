package preflight_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/accounts/preflight"
)

func TestAReportPrintsAsATable(t *testing.T) {
	r := &preflight.Report{Findings: []preflight.Finding{
		{Check: preflight.BaseCredentials, Outcome: preflight.OK, Evidence: "they serve"},
		{
			Check: preflight.Permission, Outcome: preflight.Wrong, Account: "111111111111", Purpose: "backup", Regions: []string{"eu-west-1", "eu-west-2"},
			Subject: "role/x", Evidence: "refused", Remedy: "allow it",
		},
		{Check: preflight.Excess, Account: "111111111111", Purpose: "pruner", Evidence: "not told"},
	}}
	require.Equal(t, `OUTCOME  ACCOUNT       PURPOSE  CHECK             EVIDENCE
ok       -             -        base-credentials  they serve
wrong    111111111111  backup   permission        eu-west-1, eu-west-2: role/x: refused
         → allow it
unknown  111111111111  pruner   excess            not told
1 ok, 1 wrong, 1 unknown
`, r.String())
	require.False(t, r.OK())
	require.Len(t, r.Problems(), 2)
}

func TestAReportSurvivesJSON(t *testing.T) {
	r := preflight.Report{Findings: []preflight.Finding{
		{Check: preflight.Identity, Outcome: preflight.OK, Account: "111111111111", Evidence: "it is"},
		{Check: preflight.Region, Outcome: preflight.Wrong, Regions: []string{"eu-south-1"}, Evidence: "off", Remedy: "on"},
		{Check: preflight.Trust, Evidence: "not read"},
	}}
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":false,"findings":[
		{"check":"identity","outcome":"ok","account":"111111111111","evidence":"it is"},
		{"check":"region","outcome":"wrong","regions":["eu-south-1"],"evidence":"off","remedy":"on"},
		{"check":"trust","outcome":"unknown","evidence":"not read"}]}`, string(text))
	var back preflight.Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, r, back)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"findings":[{"outcome":"fine"}]}`), &back), `"fine" is not an outcome`)
}

func TestAnEmptyReportIsNotOK(t *testing.T) {
	var r preflight.Report
	require.False(t, r.OK())
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":false,"findings":[]}`, string(text))
	require.Equal(t, "Outcome(9)", preflight.Outcome(9).String())
}

func TestEveryProbeIsListedOnce(t *testing.T) {
	seen := map[preflight.Probe]bool{}
	for _, p := range preflight.Probes() {
		require.False(t, seen[p], p)
		seen[p] = true
	}
	require.Len(t, seen, 21)
}
