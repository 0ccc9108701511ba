package iampolicy_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
)

var updateRoles = flag.Bool("update", false, "rewrite testdata/roles from what is generated")

// installation is the example that most tests use: two protected accounts, one
// of them with a rekey key, and two restore accounts.
func installation() iampolicy.Installation {
	return iampolicy.Installation{
		Vault:        "999999999999",
		Orchestrator: "arn:aws:iam::999999999999:role/backup/orchestrator",
		ExternalID:   "vault-7c1e",
		Regions:      []string{"us-east-1", "eu-west-1"},
		VaultKeys:    []string{"arn:aws:kms:us-east-1:999999999999:key/vault-us", "arn:aws:kms:eu-west-1:999999999999:key/vault-eu"},
		KeyAdmins:    []string{"arn:aws:iam::999999999999:role/key-admin", "arn:aws:iam::999999999999:role/key-admin-2"},
		Protected: []iampolicy.Protected{
			{
				Account: "111111111111", ExternalID: "first-9b2d", Regions: []string{"us-east-1", "eu-west-1"},
				SourceKeys: []string{"arn:aws:kms:us-east-1:111111111111:key/data"},
				RekeyKeys:  []string{"arn:aws:kms:us-east-1:111111111111:key/rekey-us", "arn:aws:kms:eu-west-1:111111111111:key/rekey-eu"},
			},
			{
				Account: "222222222222", ExternalID: "second-44f0", Regions: []string{"us-east-1"},
				SourceKeys: []string{"arn:aws:kms:us-east-1:222222222222:key/data"},
			},
		},
		Restore: []iampolicy.RestoreAccount{
			{
				Account: "555555555555", ExternalID: "restore-e81a", Regions: []string{"us-east-1", "eu-west-1"},
				Keys:      []string{"arn:aws:kms:us-east-1:555555555555:key/clean-us", "arn:aws:kms:eu-west-1:555555555555:key/clean-eu"},
				PassRoles: []string{"arn:aws:iam::555555555555:role/app", "arn:aws:iam::555555555555:role/web"},
			},
			{
				Account: "666666666666", ExternalID: "drill-02aa", Regions: []string{"us-east-1"},
				Keys: []string{"arn:aws:kms:us-east-1:666666666666:key/drill"},
			},
		},
	}
}

// full is an installation with every option.
func full() iampolicy.Installation {
	i := installation()
	i.Lock, i.Archive, i.Images = &iampolicy.LockBounds{Min: 7, Max: 400}, true, true
	i.Export, i.Bucket, i.Manifests = true, "vault-exports", true
	i.Organization, i.SourceIdentity = "o-a1b2c3d4e5", "snapkeep-*"
	i.SessionTags = []string{"run", "plan"}
	i.GrantOperations = []string{"Decrypt", "CreateGrant"}
	i.Deployers = []string{"deploy/snapkeep"}
	p := &i.Protected[0]
	p.OnlyTagged = map[string]string{"backup": "yes", "env": "prod"}
	p.Documents = []string{"arn:aws:ssm:us-east-1:111111111111:document/freeze", "arn:aws:ssm:us-east-1::document/AWSEC2-CreateVssSnapshot"}
	p.Images, p.Attributes, p.Lock = true, true, &iampolicy.LockBounds{Min: 1, Max: 30}
	i.Restore[0].Import = true
	return i
}

// china is a small installation in another partition.
func china() iampolicy.Installation {
	return iampolicy.Installation{
		Partition:    "aws-cn",
		Vault:        "999999999999",
		Orchestrator: "arn:aws-cn:iam::999999999999:user/orchestrator",
		ExternalID:   "vault-7c1e",
		Regions:      []string{"cn-north-1"},
		VaultKeys:    []string{"arn:aws-cn:kms:cn-north-1:999999999999:key/vault"},
		KeyAdmins:    []string{"arn:aws-cn:iam::999999999999:role/key-admin"},
		Restore: []iampolicy.RestoreAccount{{
			Account: "555555555555", ExternalID: "restore-e81a", Regions: []string{"cn-north-1"},
			Keys:      []string{"arn:aws-cn:kms:cn-north-1:555555555555:key/clean"},
			PassRoles: []string{"arn:aws-cn:iam::555555555555:role/app"},
		}},
	}
}

var pruneBefore = time.Date(2026, 3, 1, 4, 30, 0, 0, time.UTC)

const cleanupRun = "nightly@2026-03-08T02:00:00Z"

// documents returns every document of an installation, by name.
func documents(t testing.TB, i iampolicy.Installation) map[string]*iampolicy.Document {
	t.Helper()
	all := map[string]*iampolicy.Document{
		"prune-session":   iampolicy.PruneSession(i.Partition, i.Vault, pruneBefore),
		"cleanup-session": iampolicy.CleanupSession(i.Partition, i.Vault, cleanupRun),
	}
	must := func(d *iampolicy.Document, err error) *iampolicy.Document {
		t.Helper()
		require.NoError(t, err)
		return d
	}
	all["orchestrator"] = must(i.OrchestratorPolicy())
	all["vault-key"] = must(i.VaultKeyPolicy())
	for _, p := range i.Protected {
		all["source-key."+p.Account] = must(i.SourceKeyPolicy(p.Account))
	}
	for _, r := range i.Restore {
		all["restore-key."+r.Account] = must(i.RestoreKeyPolicy(r.Account))
	}
	for _, p := range i.Protected {
		all["protected-guard."+p.Account] = must(i.ProtectedGuard(p.Account))
	}
	all["vault-guard"] = must(i.VaultGuard())
	if i.Bucket != "" {
		all["vault-bucket"] = must(i.VaultBucketPolicy())
	}
	if i.Archive {
		all["archive-session"] = iampolicy.ArchiveSession(i.Partition, i.Vault, pruneBefore)
	}
	for purpose, session := range planSessions(i) {
		all["plan-session."+purpose] = must(session.Policy(purpose))
	}
	roles, err := i.Roles()
	require.NoError(t, err)
	for _, r := range roles {
		all[r.Name+"."+r.Account] = r.Policy
		all[r.Name+"."+r.Account+".trust"] = r.Trust
	}
	return all
}

// planSessions are those of a plan that uses some of an installation. There is
// none where nothing is protected.
func planSessions(i iampolicy.Installation) map[string]iampolicy.PlanSession {
	if len(i.Protected) == 0 {
		return nil
	}
	p := i.Protected[slices.IndexFunc(i.Protected, func(p iampolicy.Protected) bool { return len(p.RekeyKeys) > 0 })]
	target := iampolicy.PlanSession{
		Partition: i.Partition, Vault: i.Vault, Account: p.Account, Plan: "nightly", Regions: p.Regions[:1], Sources: []string{p.Account}, Keys: p.RekeyKeys[:1],
		Before: pruneBefore, Locks: p.Lock != nil,
	}
	vault := target
	vault.Locks = i.Lock != nil
	vault.Account, vault.Regions, vault.Keys = i.Vault, i.Regions[:1], []string{i.VaultKeys[0], p.SourceKeys[0]}
	return map[string]iampolicy.PlanSession{"backup": target, "pruner": target, "vault-writer": vault, "vault-sharer": vault, "vault-pruner": vault}
}

func TestGeneratedDocumentsAreThoseReviewed(t *testing.T) {
	dir := filepath.Join("testdata", "roles")
	want := map[string]bool{}
	check := func(name string, got []byte) {
		want[name] = true
		path := filepath.Join(dir, name)
		if *updateRoles {
			require.NoError(t, os.MkdirAll(dir, 0o755))
			require.NoError(t, os.WriteFile(path, got, 0o644))
			return
		}
		reviewed, err := os.ReadFile(path)
		require.NoError(t, err, "run: go test ./iampolicy -run Generated -update")
		require.Equal(t, string(reviewed), string(got), name)
	}
	for name, doc := range documents(t, installation()) {
		check(name+".json", indented(t, doc))
	}
	for name, doc := range documents(t, china()) {
		check("china."+name+".json", indented(t, doc))
	}
	plain := documents(t, installation())
	for name, doc := range documents(t, full()) {
		if same, err := json.Marshal(plain[name]); err == nil && string(same) != texts(doc) {
			check("full."+name+".json", indented(t, doc))
		}
	}
	check("operations.md", operationsTable())

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Greater(t, len(files), 20)
	for _, file := range files {
		require.True(t, want[filepath.Base(file)], "%s is no longer generated", file)
	}
}

func indented(t testing.TB, v any) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(v))
	return out.Bytes()
}

func TestRolesAreNamedPerAccount(t *testing.T) {
	roles, err := installation().Roles()
	require.NoError(t, err)
	var got []string
	for _, r := range roles {
		got = append(got, r.Purpose+" "+r.ARN(""))
	}
	require.Equal(t, []string{
		"backup arn:aws:iam::111111111111:role/snapkeep-backup",
		"pruner arn:aws:iam::111111111111:role/snapkeep-pruner",
		"backup arn:aws:iam::222222222222:role/snapkeep-backup",
		"pruner arn:aws:iam::222222222222:role/snapkeep-pruner",
		"vault-writer arn:aws:iam::999999999999:role/snapkeep-vault-writer",
		"vault-pruner arn:aws:iam::999999999999:role/snapkeep-vault-pruner",
		"vault-sharer arn:aws:iam::999999999999:role/snapkeep-vault-sharer",
		"restore arn:aws:iam::555555555555:role/snapkeep-restore",
		"restore arn:aws:iam::666666666666:role/snapkeep-restore",
	}, got)
	require.Equal(t, "arn:aws-cn:iam::111111111111:role/snapkeep-backup", roles[0].ARN("aws-cn"))
}

func TestRolesAreThoseGivenOneByOne(t *testing.T) {
	i := installation()
	all, err := i.Roles()
	require.NoError(t, err)
	var single []iampolicy.Role
	add := func(r iampolicy.Role, err error) {
		require.NoError(t, err)
		single = append(single, r)
	}
	for _, p := range i.Protected {
		add(i.TargetBackup(p.Account))
		add(i.TargetPruner(p.Account))
	}
	add(i.VaultWriter())
	add(i.VaultPruner())
	add(i.VaultSharer())
	for _, r := range i.Restore {
		add(i.RestoreRole(r.Account))
	}
	require.Equal(t, all, single)
}

func TestOrderOfTheListsNeverShows(t *testing.T) {
	want := withoutSessions(documents(t, full()))
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		i := full()
		shuffle(r, i.Regions)
		shuffle(r, i.VaultKeys)
		shuffle(r, i.KeyAdmins)
		shuffle(r, i.Protected)
		shuffle(r, i.Restore)
		shuffle(r, i.SessionTags)
		shuffle(r, i.GrantOperations)
		for _, p := range i.Protected {
			shuffle(r, p.Regions)
			shuffle(r, p.RekeyKeys)
			shuffle(r, p.Documents)
		}
		for _, p := range i.Restore {
			shuffle(r, p.Regions)
			shuffle(r, p.Keys)
			shuffle(r, p.PassRoles)
		}
		before := indented(t, i)
		require.Equal(t, want, withoutSessions(documents(t, i)), "seed %d", seed)
		require.Equal(t, string(before), string(indented(t, i)), "seed %d: the caller's lists were changed", seed)
	}
}

// withoutSessions leaves out those of plans, which are of the first account of
// a list.
func withoutSessions(docs map[string]*iampolicy.Document) map[string]*iampolicy.Document {
	maps.DeleteFunc(docs, func(name string, _ *iampolicy.Document) bool { return strings.HasPrefix(name, "plan-session") })
	return docs
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func TestEveryStatementIsNamedAndReasoned(t *testing.T) {
	roles, err := full().Roles()
	require.NoError(t, err)
	for _, r := range roles {
		statements := slices.Concat(r.Policy.Statements, r.Trust.Statements)
		require.Len(t, r.Reasons, len(statements), r.Name)
		for _, s := range statements {
			require.Greater(t, len(r.Reasons[s.Sid]), 20, "%s: %s", r.Name, s.Sid)
		}
	}
}

func TestDocumentsKeepTheGrammar(t *testing.T) {
	sid := regexp.MustCompile(`^[A-Za-z0-9]+$`)
	for _, i := range []iampolicy.Installation{installation(), china(), full()} {
		for name, doc := range documents(t, i) {
			require.Equal(t, iampolicy.Version, doc.Version, name)
			keyPolicy, trust := strings.Contains(name, "-key") || name == "vault-bucket", strings.HasSuffix(name, ".trust")
			seen := map[string]bool{}
			for _, s := range doc.Statements {
				at := name + " " + s.Sid
				require.Regexp(t, sid, s.Sid, name)
				require.False(t, seen[s.Sid], at)
				seen[s.Sid] = true
				require.NotEmpty(t, s.Actions.Values, at)
				require.Equal(t, keyPolicy || trust, s.Principal != nil, at)
				require.Equal(t, !trust, len(s.Resources.Values) > 0, at)
				for _, c := range s.Conditions {
					require.NotEmpty(t, c.Values.Values, "%s: %s", at, c.Key)
				}
				for _, action := range s.Actions.Values {
					// Wildcards would grant what AWS has yet to invent. The one
					// exception is the statement that AWS gives every key.
					require.True(t, !strings.Contains(action, "*") || s.Sid == "OwnAccount" || s.Effect == iampolicy.Deny, "%s: %s", at, action)
				}
			}
			again, err := iampolicy.Parse(indented(t, doc))
			require.NoError(t, err, name)
			require.Equal(t, indented(t, doc), indented(t, again), name)
		}
	}
}

func TestDocumentsFitWhatAWSStores(t *testing.T) {
	for name, doc := range documents(t, full()) {
		limit := 10_240 // a role's inline policies together
		switch {
		case strings.HasSuffix(name, ".trust"), strings.Contains(name, "-session"):
			limit = 2_048
		case strings.Contains(name, "-guard"):
			limit = 5_120
		case name == "vault-bucket":
			limit = 20_480
		case strings.Contains(name, "-key"):
			limit = 32_768
		}
		compact, err := json.Marshal(doc)
		require.NoError(t, err)
		require.LessOrEqual(t, len(compact), limit, name)
		actions := map[string]bool{}
		for _, s := range doc.Statements {
			for _, a := range s.Actions.Values {
				actions[a] = true
			}
		}
		t.Logf("%-42s %2d actions %2d statements %5d characters", name, len(actions), len(doc.Statements), len(compact))
	}
}

func TestUnusedRightsAreLeftOut(t *testing.T) {
	i := installation()
	withRekey, err := i.TargetBackup("111111111111")
	require.NoError(t, err)
	without, err := i.TargetBackup("222222222222")
	require.NoError(t, err)
	require.Contains(t, allowedActions(withRekey.Policy), "ec2:CopySnapshot")
	require.NotContains(t, allowedActions(without.Policy), "ec2:CopySnapshot")
	require.NotContains(t, allowedActions(without.Policy), "kms:CreateGrant")

	listed, err := i.RestoreRole("555555555555")
	require.NoError(t, err)
	none, err := i.RestoreRole("666666666666")
	require.NoError(t, err)
	require.Contains(t, allowedActions(listed.Policy), "iam:PassRole")
	require.NotContains(t, allowedActions(none.Policy), "iam:PassRole")

	i.Restore = nil
	_, err = i.VaultSharer()
	require.EqualError(t, err, "iampolicy: Restore: is empty; there is nobody to share with")
	roles, err := i.Roles()
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(roles, func(r iampolicy.Role) bool { return r.Purpose == "vault-sharer" }))
	key, err := i.VaultKeyPolicy()
	require.NoError(t, err)
	require.NotContains(t, string(indented(t, key)), "Restorers")
}

func allowedActions(doc *iampolicy.Document) []string {
	var all []string
	for _, s := range doc.Statements {
		if s.Effect == iampolicy.Allow {
			all = append(all, s.Actions.Values...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestRolesHaveExactlyTheActionsTheyNeed(t *testing.T) {
	keyUse := []string{
		"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey",
		"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
	}
	want := map[string][]string{
		"snapkeep-backup.111111111111": append([]string{
			"ec2:CopySnapshot", "ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CreateTags",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotTierStatus",
			"ec2:DescribeSnapshots", "ec2:DescribeVolumes", "ec2:ListSnapshotsInRecycleBin", "ec2:ModifySnapshotAttribute",
		}, keyUse...),
		"snapkeep-backup.222222222222": {
			"ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CreateTags",
			"ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances", "ec2:DescribeLockedSnapshots", "ec2:DescribeSnapshotTierStatus",
			"ec2:DescribeSnapshots", "ec2:DescribeVolumes", "ec2:ListSnapshotsInRecycleBin", "ec2:ModifySnapshotAttribute",
			"kms:DescribeKey",
		},
		"snapkeep-pruner.111111111111": {"ec2:DeleteSnapshot"},
		"snapkeep-vault-writer.999999999999": append([]string{
			"ec2:CopySnapshot", "ec2:CreateTags", "ec2:DescribeImages", "ec2:DescribeLockedSnapshots",
			"ec2:DescribeSnapshotTierStatus", "ec2:DescribeSnapshots", "ec2:ListSnapshotsInRecycleBin",
		}, keyUse...),
		"snapkeep-vault-pruner.999999999999": {"ec2:DeleteSnapshot"},
		"snapkeep-vault-sharer.999999999999": {"ec2:ModifySnapshotAttribute"},
		"snapkeep-restore.555555555555": append([]string{
			"ec2:CopySnapshot", "ec2:CreateTags", "ec2:CreateVolume", "ec2:DeleteSnapshot", "ec2:DeregisterImage",
			"ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSnapshots", "ec2:DescribeVolumes",
			"ec2:RegisterImage", "ec2:RunInstances", "iam:PassRole",
		}, keyUse...),
		"orchestrator":    {"sts:AssumeRole"},
		"prune-session":   {"ec2:DeleteSnapshot", "ec2:DeregisterImage"},
		"cleanup-session": {"ec2:DeleteSnapshot", "ec2:DeregisterImage"},
	}
	docs := documents(t, installation())
	for name, actions := range want {
		require.Equal(t, actions, allowedActions(docs[name]), name)
	}
}

func TestUnknownAccountsAreFieldErrors(t *testing.T) {
	i := installation()
	var got []string
	keep := func(_ any, err error) {
		var field *iampolicy.FieldError
		require.ErrorAs(t, err, &field)
		got = append(got, field.Error())
	}
	role := func(r iampolicy.Role, err error) { keep(r, err) }
	role(i.TargetBackup("555555555555"))
	role(i.TargetPruner("999999999999"))
	role(i.RestoreRole("111111111111"))
	doc := func(d *iampolicy.Document, err error) { require.Nil(t, d); keep(d, err) }
	doc(i.SourceKeyPolicy("x"))
	doc(i.RestoreKeyPolicy(""))
	require.Equal(t, []string{
		`iampolicy: Protected: has no account "555555555555"`,
		`iampolicy: Protected: has no account "999999999999"`,
		`iampolicy: Restore: has no account "111111111111"`,
		`iampolicy: Protected: has no account "x"`,
		`iampolicy: Restore: has no account ""`,
	}, got)
}

func TestAnInvalidInstallationMakesNoDocument(t *testing.T) {
	i := installation()
	i.Regions = nil
	_, err := i.Roles()
	require.ErrorContains(t, err, "Regions: is empty")
	for name, build := range map[string]func() error{
		"TargetBackup":       func() error { _, err := i.TargetBackup("111111111111"); return err },
		"TargetPruner":       func() error { _, err := i.TargetPruner("111111111111"); return err },
		"VaultWriter":        func() error { _, err := i.VaultWriter(); return err },
		"VaultPruner":        func() error { _, err := i.VaultPruner(); return err },
		"VaultSharer":        func() error { _, err := i.VaultSharer(); return err },
		"RestoreRole":        func() error { _, err := i.RestoreRole("555555555555"); return err },
		"OrchestratorPolicy": func() error { _, err := i.OrchestratorPolicy(); return err },
		"SourceKeyPolicy":    func() error { _, err := i.SourceKeyPolicy("111111111111"); return err },
		"VaultKeyPolicy":     func() error { _, err := i.VaultKeyPolicy(); return err },
		"RestoreKeyPolicy":   func() error { _, err := i.RestoreKeyPolicy("555555555555"); return err },
	} {
		require.ErrorContains(t, build(), "Regions: is empty", name)
	}
}

func TestSessionsTakeTextLiterally(t *testing.T) {
	doc := iampolicy.CleanupSession("", "999999999999", "x${aws:PrincipalTag/run}*")
	require.Contains(t, string(indented(t, doc)), `"x${$}{aws:PrincipalTag/run}*"`)
	zero := iampolicy.PruneSession("", "999999999999", time.Time{})
	require.Contains(t, string(indented(t, zero)), `"ec2:SnapshotTime": "0001-01-01T00:00:00Z"`)
	berlin := time.FixedZone("CET", 3600)
	later := iampolicy.PruneSession("", "999999999999", time.Date(2026, 3, 1, 0, 30, 0, 999, berlin))
	require.Contains(t, string(indented(t, later)), `"ec2:SnapshotTime": "2026-02-28T23:30:00Z"`)
}
