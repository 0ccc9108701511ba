package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

func TestValues(t *testing.T) {
	for text, want := range map[string]struct {
		in, out string // policies
		err     string
	}{
		"Daily":                              {in: "Daily"},
		"Daily Weekly Monthly":               {in: "Daily Weekly Monthly"},
		"  Daily   Weekly ":                  {in: "Daily Weekly"},
		"Daily#app-aware#only-snaps Weekly":  {in: "Daily Weekly"},
		"Monthly:Weekly":                     {in: "Monthly"},
		"Monthly:Weekly#initial-ami":         {in: "Monthly"},
		"no-backup":                          {},
		"Daily no-backup":                    {},
		"Daily#no-backup":                    {},
		"#exclude":                           {out: "Daily Weekly Monthly"},
		"Daily#exclude Weekly":               {in: "Weekly", out: "Daily"},
		"Daily #exclude":                     {out: "Daily Weekly Monthly"},
		"Daily#only-snaps#exclude":           {out: "Daily"},
		"daily":                              {}, // case matters
		"":                                   {err: "is empty"},
		" ":                                  {err: "is empty"},
		"Daily#":                             {err: "empty modifier"},
		"Daily##app-aware":                   {err: "empty modifier"},
		"Daily Daily#app-aware":              {err: "twice"},
		":Weekly":                            {err: "new:template"},
		"Monthly:":                           {err: "new:template"},
		"a:b:c":                              {err: "new:template"},
		"no-backup#app-aware":                {err: "takes no modifiers"},
		"Daily\tWeekly":                      {err: "is none"},
		strings.Repeat("a", 257):             {err: "256"},
		"Daily\u00a0Weekly":                  {}, // one policy, of another name
		"Daily#new-thing Weekly#exclude#new": {in: "Daily", out: "Weekly"},
	} {
		t.Run(text, func(t *testing.T) {
			v, err := parseValue(text)
			if want.err != "" {
				require.ErrorContains(t, err, want.err)
				return
			}
			require.NoError(t, err)
			var in, out []string
			for _, p := range []string{"Daily", "Weekly", "Monthly"} {
				switch chosen, left := v.says(p); {
				case chosen && left:
					t.Fatal("both")
				case chosen:
					in = append(in, p)
				case left:
					out = append(out, p)
				}
			}
			require.Equal(t, want.in, strings.Join(in, " "))
			require.Equal(t, want.out, strings.Join(out, " "))
		})
	}
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{"Daily Weekly#app-aware#only-snaps", "a:b#c no-backup", "#exclude", "", "no-backup#x", "a#no-backup"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parseValue(text)
		if err != nil {
			t.Skip()
		}
		again, err := parseValue(v.String())
		require.NoError(t, err, "%q", v)
		require.Equal(t, v, again)
		for _, p := range append(v.policies(), "other") {
			in, out := v.says(p)
			require.False(t, in && out)
		}
	})
}

func tagging(site backup.Site, id string, pairs ...string) tagged {
	t := tagged{site: site, id: id, values: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		t.values[pairs[i]] = pairs[i+1]
	}
	return t
}

func TestWhatIsNotClearIsTold(t *testing.T) {
	site := backup.Site{Account: shop, Region: dublin}
	for name, test := range map[string]struct {
		found          []tagged
		problem, note  string
		plans, matches int
	}{
		"two keys of one name":              {[]tagged{tagging(site, "i-1", "cpm backup", "A", "Cpm Backup", "B")}, "differ only by case", "", 1, 1},
		"a key in capitals":                 {[]tagged{tagging(site, "i-1", "CPM_BACKUP", "A")}, "not in lower case", "", 0, 0},
		"two keys that disagree":            {[]tagged{tagging(site, "i-1", "cpm backup", "A", "cpm_backup", "B")}, "say different things", "", 2, 1},
		"two keys that agree":               {[]tagged{tagging(site, "i-1", "cpm backup", "A", "cpm_backup", " A")}, "", "", 1, 2},
		"a value that cannot be":            {[]tagged{tagging(site, "i-1", "cpm backup", "A#")}, "empty modifier", "", 0, 0},
		"an unknown modifier":               {[]tagged{tagging(site, "i-1", "cpm backup", "A#warp")}, "#warp is not known", "", 1, 1},
		"an instance is excluded":           {[]tagged{tagging(site, "i-1", "cpm backup", "A"), tagging(site, "i-2", "cpm backup", "A#exclude")}, "is for volumes", "", 1, 1},
		"a modifier that is lost":           {[]tagged{tagging(site, "i-1", "cpm backup", "A#app-aware-vss")}, "", "quiesce.vss of a plan's sources asks", 1, 1},
		"images that are lost":              {[]tagged{tagging(site, "i-1", "cpm backup", "A#initial-ami")}, "", "image of a plan's copies makes one", 1, 1},
		"a template":                        {[]tagged{tagging(site, "i-1", "cpm backup", "A:B")}, "", "made like B", 1, 1},
		"a policy that has only exclusions": {[]tagged{tagging(site, "vol-1", "cpm backup", "A#exclude")}, "", "nothing is in it", 0, 0},
		"a name that no plan can have":      {[]tagged{tagging(site, "i-1", "cpm backup", "A/B")}, "1 to 64", "", 0, 0},
		"modifiers of nothing":              {[]tagged{tagging(site, "i-1", "cpm backup", "#app-aware")}, "names no policy", "", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := migrate(test.found, template())
			if test.problem == "" {
				require.Empty(t, m.Problems)
			} else {
				require.Contains(t, strings.Join(m.Problems, "\n"), test.problem)
			}
			require.Contains(t, strings.Join(m.Notes, "\n"), test.note)
			require.Len(t, m.Plans, test.plans)
			if test.plans > 0 {
				require.Len(t, m.Plans[0].Sources[0].Select.Any, test.matches)
			}
		})
	}
}

// TestPlansSelectWhatTheTagsSaid goes all the way: tags in a simulated account,
// plans in JSON, and what the driver discovers with them.
func TestPlansSelectWhatTheTagsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		require.NoError(t, w.furnish())
		// Of db, one data volume is left out of everything and one is in Weekly too;
		// glob's policy looks like a pattern.
		id, disks, err := w.cloud.AddInstance(shop, dublin, backuptest.Instance{Disks: []backuptest.Disk{{}, {}}})
		require.NoError(t, err)
		w.names[id] = "disks"
		cfg, _ := w.Config(t.Context(), shop, "", dublin)
		api := ec2.NewFromConfig(cfg)
		tag := func(id, value string) {
			_, err := api.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("cpm backup"), Value: &value}}})
			require.NoError(t, err)
		}
		tag(id, "Daily Yearly")
		tag(disks[1].ID, "Yearly#exclude Weekly")
		tag(disks[2].ID, "#exclude")

		m, err := readSites(t.Context(), w, template())
		require.NoError(t, err)
		require.Empty(t, m.Problems)
		got := map[string][]string{}
		for _, p := range m.Plans {
			text, err := json.Marshal(p)
			require.NoError(t, err)
			back, err := backup.ParsePlan(text)
			require.NoError(t, err)
			names, err := w.selected(t.Context(), back)
			require.NoError(t, err)
			slices.Sort(names)
			got[p.Name] = names
		}
		require.Equal(t, map[string][]string{
			"Daily":   {"db", "disks without 1 volumes", "web"},
			"Weekly":  {"archive", "disks without 2 volumes", "web"},
			"Monthly": {"fresh"},
			"Yearly":  {"disks without 2 volumes"},
		}, got)
		require.Empty(t, w.cloud.Misuse())
	})
}

// TestTheBackupRoleMayScan: reading the tags takes no right that a backup does not.
func TestTheBackupRoleMayScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		require.NoError(t, w.furnish())
		install := iampolicy.Installation{
			Vault: "999999999999", Orchestrator: "arn:aws:iam::999999999999:user/orchestrator", ExternalID: "sk-ext-1",
			Regions: []string{dublin}, VaultKeys: []string{"arn:aws:kms:eu-west-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
			KeyAdmins: []string{"arn:aws:iam::999999999999:role/key-admin"},
			Protected: []iampolicy.Protected{{Account: string(shop), ExternalID: "sk-ext-2", Regions: []string{dublin}}},
		}
		roles, err := install.Roles()
		require.NoError(t, err)
		s := &settings{externalID: "sk-ext-2"}
		for _, r := range roles {
			if r.Account == string(shop) && r.Purpose == "backup" {
				s.targetRole = r.ARN("")
				w.cloud.PutRole(shop, backuptest.Role{Name: r.Name, Trust: r.Trust, Policies: []*iampolicy.Document{r.Policy}})
			}
		}
		orchestrator, err := install.OrchestratorPolicy()
		require.NoError(t, err)
		var out bytes.Buffer
		cfg := w.cloud.Config(w.cloud.User("999999999999", "orchestrator", orchestrator), dublin)
		require.NoError(t, s.readAs(context.Background(), cfg, template(), &out))
		require.Contains(t, out.String(), `"name": "Weekly"`)
	})
}

func TestThePrograms(t *testing.T) {
	var out bytes.Buffer
	require.Zero(t, run(nil, &out, io.Discard))
	require.Contains(t, out.String(), "Weekly selects web, archive")
	require.Contains(t, out.String(), "#app-aware is not carried over")
	require.Zero(t, run([]string{"-h"}, io.Discard, io.Discard))
	require.Equal(t, 2, run([]string{"-nonsense"}, io.Discard, io.Discard))
	require.Equal(t, 2, run([]string{"more"}, io.Discard, io.Discard))
	role, key := "arn:aws:iam::222222222222:role/r", "arn:aws:kms:eu-west-1:999999999999:key/1"
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no role":         {[]string{"-region", dublin}, "-target-role"},
		"no policy":       {[]string{"-target-role", role, "-region", dublin}, "retention"},
		"a bad policy":    {[]string{"-target-role", role, "-region", dublin, "-policy", "x=1"}, "-policy"},
		"no Region":       {[]string{"-target-role", role, "-policy", "last=1"}, "regions"},
		"a bad key":       {[]string{"-target-role", role, "-region", dublin, "-policy", "last=1", "-vault-key", "k"}, "-vault-key"},
		"a key elsewhere": {[]string{"-target-role", role, "-region", dublin + ",cn-north-1", "-policy", "last=1", "-vault-key", key}, "partition"},
	} {
		t.Run(name, func(t *testing.T) {
			var errs bytes.Buffer
			require.Equal(t, 1, run(test.args, io.Discard, &errs))
			require.Contains(t, errs.String(), test.want)
		})
	}
	require.ErrorIs(t, migration{Problems: []string{"x"}}.print(io.Discard), errProblems)
}
