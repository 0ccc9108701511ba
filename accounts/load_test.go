package accounts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/snapkeep/snapkeep/accounts"
)

const secretID = "3xternal-1d"

// documented is what testdata/accounts.yaml says.
func documented() []accounts.Account {
	role := func(id accounts.ID, name, externalID string) []accounts.Role {
		return []accounts.Role{{ARN: "arn:aws:iam::" + string(id) + ":role/snapkeep-" + name, ExternalID: externalID}}
	}
	const vault, shop, clean = "2IUZ5LVKXPDKQ2PEMWYN4TQZ7A", "HDJ6NKZJ3VCMVW2R7CZ5YB4EDM", "V5RGBH3TDK2XJQA7ZLNCEU6OYM"
	return []accounts.Account{
		{ID: "999999999999", Name: "vault", Purposes: map[accounts.Purpose][]accounts.Role{
			accounts.VaultWriter: role("999999999999", "vault-writer", vault),
			accounts.VaultPruner: role("999999999999", "vault-pruner", vault),
			accounts.VaultSharer: role("999999999999", "vault-sharer", vault),
		}},
		{
			ID: "111111111111", Name: "shop", Chain: role("111111111111", "backup", shop),
			Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: role("111111111111", "pruner", shop)},
		},
		{ID: "012345678901", Name: "bank", Chain: []accounts.Role{
			{
				ARN: "arn:aws:iam::999999999999:role/snapkeep-hub", Duration: time.Hour, SourceIdentity: "vault-host",
				Tags: map[string]string{"team": "backup", "stage": "production"}, TransitiveTags: []string{"team"},
			},
			{
				ARN: "arn:aws:iam::012345678901:role/backup/snapkeep-backup", ExternalID: "QWX4E3A6N7LHTZGUPDM5CKBY2I",
				SessionName: "nightly", Duration: 45 * time.Minute,
			},
		}},
		{ID: "555555555555", Name: "clean room", Purposes: map[accounts.Purpose][]accounts.Role{
			accounts.Restore: role("555555555555", "restore", clean),
		}},
	}
}

func TestLoadReadsTheDocumentedFile(t *testing.T) {
	f, err := os.Open("testdata/accounts.yaml")
	require.NoError(t, err)
	defer f.Close()
	got, err := accounts.Load(f)
	require.NoError(t, err)
	require.Equal(t, documented(), got)
}

// difficult is text of what means something in YAML, and of what does not print.
var difficult = rapid.StringOfN(rapid.SampledFrom([]rune("\t\n\r \"'\\#:-?|>%@&*!~[]{},a0\x00\x1b\x7f\u0085\u00a0\u2028\u2029\ufeff\ufffe\ue000\U0001f512")), 0, 8, -1)

func TestLoadReadsWhatIsWritten(t *testing.T) {
	t.Run("by Save", func(t *testing.T) {
		var b bytes.Buffer
		require.NoError(t, accounts.Save(&b, documented()))
		got, err := accounts.Load(&b)
		require.NoError(t, err)
		require.Equal(t, documented(), got)
	})
	t.Run("by json.Marshal", func(t *testing.T) {
		text, err := json.Marshal(documented())
		require.NoError(t, err)
		got, err := accounts.Load(bytes.NewReader(text))
		require.NoError(t, err)
		require.Equal(t, documented(), got)
	})
	t.Run("by Save, of any names", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			want := documented()
			for i := range want {
				want[i].Name = rapid.OneOf(rapid.String(), difficult).Draw(t, "name")
			}
			r := &want[2].Chain[0]
			r.SourceIdentity = rapid.StringMatching(`[A-Za-z0-9_+=,.@-]{2,64}`).Draw(t, "source identity")
			r.Duration = time.Duration(rapid.IntRange(900, 43200).Draw(t, "seconds")) * time.Second
			r.Tags = rapid.MapOfN(rapid.StringMatching(`k[A-Za-z0-9\pZ _.:/=+@-]{0,9}\p{Lu}`), rapid.StringMatching(`[\pL\pN\pZ _.:/=+@-]{0,9}`), 1, 5).
				Filter(func(m map[string]string) bool {
					folded := map[string]bool{}
					for k := range m {
						folded[strings.ToLower(k)] = true
					}
					return len(folded) == len(m)
				}).Draw(t, "tags")
			r.TransitiveTags = []string{rapid.SampledFrom(slices.Sorted(maps.Keys(r.Tags))).Draw(t, "transitive tag")}
			var b bytes.Buffer
			require.NoError(t, accounts.Save(&b, want))
			text := b.String()
			got, err := accounts.Load(&b)
			require.NoError(t, err, text)
			require.Equal(t, want, got, text)
		})
	})
}

func TestLoadTakesValuesAsTheyAreWritten(t *testing.T) {
	for name, text := range map[string]string{
		"ids without quotes":     "- {id: 012345678901, name: 0x10}\n",
		"an object":              "accounts:\n- id: 012345678901\n  name: '0x10'\n",
		"a JSON list":            "[{\"id\":\"012345678901\",\t\"name\":\"0x10\"}]\n",
		"a JSON object":          "\n{\"accounts\": [{\"name\": \"0x10\", \"id\": \"012345678901\"}]}",
		"a byte order mark":      "\ufeff- id: 012345678901\n  name: 0x10\n",
		"JSON with such a mark":  "\ufeff[{\"id\": \"012345678901\", \"name\": \"\\u0030x10\"}]",
		"a document with a head": "%YAML 1.1\n---\n- id: 012345678901\n  name: 0x10\n...\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := accounts.Load(strings.NewReader(text))
			require.NoError(t, err)
			require.Equal(t, []accounts.Account{{ID: "012345678901", Name: "0x10"}}, got)
		})
	}
	for _, text := range []string{"accounts: []", "[]", `{"accounts": []}`} {
		got, err := accounts.Load(strings.NewReader(text))
		require.NoError(t, err)
		require.Empty(t, got)
	}
}

func TestLoadReadsDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"- id: 111111111111\n  chain: [{arn: ARN, duration: 1h30m}]":                        90 * time.Minute,
		"- id: 111111111111\n  chain: [{arn: ARN, duration: 0.5h}]":                         30 * time.Minute,
		`[{"id": "111111111111", "chain": [{"arn": "ARN", "duration": "1h30m"}]}]`:          90 * time.Minute,
		`[{"id": "111111111111", "chain": [{"arn": "ARN", "duration": 5400000000000}]}]`:    90 * time.Minute,
		`[{"id": "111111111111", "chain": [{"arn": "ARN", "duration": "2h", "tags": {}}]}]`: 2 * time.Hour,
	} {
		got, err := accounts.Load(strings.NewReader(strings.Replace(text, "ARN", targetARN, 1)))
		require.NoError(t, err, text)
		require.Equal(t, want, got[0].Chain[0].Duration, text)
	}
}

const targetARN = "arn:aws:iam::111111111111:role/snapkeep-backup"

func TestLoadTellsTheLineAndTheField(t *testing.T) {
	head := "- id: 222222222222\n- id: 111111111111\n" // the rest begins in line 3
	role := head + "  chain:\n  - arn: " + targetARN + "\n"
	for name, c := range map[string]struct {
		text, want string
	}{
		"nothing":                {"", "accounts: file: is empty"},
		"comments only":          {"# none\n", "accounts: file: is empty"},
		"null":                   {"null", "line 1: accounts: want a list, got nothing"},
		"text":                   {"none", "line 1: accounts: want a list, got text"},
		"not UTF-8":              {"- name: \xff", "accounts: file: is not UTF-8"},
		"broken YAML":            {"- id: 1\n  name: [\n", "file: did not find expected node content"},
		"two documents":          {"[]\n---\n- id: 1\n", "file: "},
		"two YAML documents":     {"- id: 222222222222\n---\n- id: 1\n", "line 2: file: has more than one document"},
		"broken JSON":            {"[\n{\"id\": \"1\",\n ]", "line 3: file: invalid character ']'"},
		"JSON cut short":         {"[\n{\"id\":", "line 2: file: ends in the middle"},
		"two JSON values":        {"[]\n[]", "file: has more than one value"},
		"deep JSON":              {strings.Repeat("[", 99999), "file: is nested more than 16 deep"},
		"no accounts":            {"{}", "line 1: accounts: is missing"},
		"another field":          {"version: 1\naccounts: []", "line 1: version: unknown field"},
		"an account is text":     {"- shop", "line 1: account: want an object, got text"},
		"unknown field":          {head + "  Chain: []\n", "line 3: account 111111111111: Chain: unknown field; did you mean chain?"},
		"unknown role field":     {role + "    external_id: " + secretID, "line 5: account 111111111111: hop 1: external_id: unknown field; did you mean externalId?"},
		"unknown JSON field":     {"[{\n\"id\": \"111111111111\",\n\"mame\": \"x\"}]", "line 3: account 111111111111: mame: unknown field"},
		"unknown purpose":        {head + "  purposes:\n    restorer: []\n", "line 4: account 111111111111: restorer: is not a purpose"},
		"field twice":            {head + "  name: a\n  name: b\n", "line 4: account 111111111111: name: given twice, first in line 3"},
		"JSON field twice":       {"[{\"id\": \"111111111111\",\n\"name\": \"a\",\n\"name\": \"b\"}]", "line 3: account 111111111111: name: given twice, first in line 2"},
		"tag twice":              {role + "    tags:\n      a: b\n      a: c\n", "line 7: account 111111111111: hop 1: a: given twice, first in line 6"},
		"no value":               {head + "  name:\n", "line 3: account 111111111111: name: want text, got nothing"},
		"a list for text":        {head + "  name: [a]\n", "name: want text, got a list"},
		"an object for a list":   {head + "  chain: {}\n", "line 3: account 111111111111: chain: want a list, got an object"},
		"a number in JSON":       {`[{"id": 111111111111}]`, "id: want text in quotes, got a number"},
		"a bool in JSON":         {`[{"id": "111111111111", "name": true}]`, "name: want text in quotes, got true or false"},
		"null in JSON":           {`[{"id": "111111111111", "name": null}]`, "name: want text, got nothing"},
		"an alias":               {"- id: 222222222222\n  chain: &c []\n- id: 111111111111\n  chain: *c\n", "line 4: account 111111111111: chain: want a list, got an alias"},
		"an unknown alias":       {head + "  chain: *" + secretID + "\n", "file: has an alias"},
		"a merge":                {"- &a {id: 222222222222}\n- <<: *a\n", "line 2: <<: unknown field"},
		"a tag":                  {head + "  name: !!binary aGk=\n", "line 3: account 111111111111: name: want text without a tag"},
		"no id":                  {"- name: shop\n", `line 1: id: "": want 12 digits`},
		"a bad id":               {"- name: shop\n  id: 1111-1111-1111\n", `line 2: id: "1111-1111-1111": want 12 digits`},
		"an id twice":            {head + "- id: 222222222222\n", "line 3: account 222222222222: id: declared twice, first in line 1"},
		"no ARN":                 {head + "  chain:\n  - externalId: " + secretID + "\n", "line 4: account 111111111111: hop 1: arn: is empty"},
		"a bad ARN":              {head + "  chain:\n  - arn: role/snapkeep-backup-of-shop\n", "line 4: account 111111111111: hop 1: arn: "},
		"another account's ARN":  {head + "  purposes:\n    pruner:\n    - arn: arn:aws:iam::333333333333:role/p\n", "line 5: account 111111111111: purpose pruner: hop 1: arn: "},
		"a bad external id":      {role + "    externalId: " + secretID + "!\n", "line 5: account 111111111111: hop 1: externalId: has a character other than"},
		"a bad duration":         {role + "    duration: an hour\n", `line 5: account 111111111111: hop 1: duration: "an hour": want hours`},
		"a duration, no unit":    {role + "    duration: 3600\n", `line 5: account 111111111111: hop 1: duration: "3600": want hours`},
		"a duration in words":    {`[{"id": "111111111111", "chain": [{"arn": "` + targetARN + `", "duration": 1.5}]}]`, "duration: 1.5: want text"},
		"a short session":        {role + "    duration: 5m\n", "line 5: account 111111111111: hop 1: duration: 5m0s is shorter than 15 min"},
		"a long chained session": {role + "  - {arn: " + targetARN + ", duration: 2h}\n", "line 5: account 111111111111: hop 2: duration: 2h0m0s: hop 2 is assumed with a role's session"},
		"a purpose without role": {head + "  purposes:\n    pruner: []\n", "line 4: account 111111111111: purpose pruner: purposes: names no role"},
		"a transitive stranger":  {role + "    transitiveTags: [team]\n", `line 5: account 111111111111: hop 1: transitiveTags: "team" is not among Tags`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := accounts.Load(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.want)
			require.Nil(t, got)
			require.NotContains(t, err.Error(), secretID)
			var field *accounts.FieldError
			require.ErrorAs(t, err, &field)
		})
	}
}

func TestLoadTellsAllFaultsUpToFifty(t *testing.T) {
	_, err := accounts.Load(strings.NewReader("- id: 1\n- {id: 111111111111, nama: shop}\n- {}\n"))
	require.Equal(t, "accounts: line 1: id: \"1\": want 12 digits\n"+
		"accounts: line 2: account 111111111111: nama: unknown field\n"+
		"accounts: line 3: id: \"\": want 12 digits", err.Error())
	_, err = accounts.Load(strings.NewReader(strings.Repeat("- id: 1\n", 1000)))
	require.Len(t, strings.Split(err.Error(), "\n"), 51)
	require.Contains(t, err.Error(), "line 51: and more")
}

func TestLoadPassesOnWhatTheReaderSays(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := accounts.Load(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

func TestLoadRefusesEndlessFiles(t *testing.T) {
	_, err := accounts.Load(endless{})
	require.EqualError(t, err, "accounts: file: is longer than 64 MiB")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// The encoder would write text of several lines as a block, and cannot read those
// again that begin with a tab or an empty line.
func TestSaveWritesTextThatDoesNotPrintWithEscapes(t *testing.T) {
	for name, want := range map[string]string{
		"\t\n": `"\t\n"`, "\n\ta": `"\n\ta"`, "a\nb": `"a\nb"`, " \n a": `" \n a"`, "a\u2028b": `"a\Lb"`, "\x00": `"\0"`,
		"Käse 7": "Käse 7", "012345678901": `"012345678901"`, " a": `' a'`, "🔒": "\"\\U0001F512\"",
	} {
		var b bytes.Buffer
		require.NoError(t, accounts.Save(&b, []accounts.Account{{ID: "111111111111", Name: name}}))
		require.Equal(t, "accounts:\n  - id: \"111111111111\"\n    name: "+want+"\n", b.String())
		got, err := accounts.Load(&b)
		require.NoError(t, err, "%q", name)
		require.Equal(t, name, got[0].Name)
	}
}

func TestSaveWritesOnlyWhatLoadsAgain(t *testing.T) {
	var b bytes.Buffer
	err := accounts.Save(&b, []accounts.Account{
		{ID: "1"},
		{ID: "111111111111", Name: "\xff", Chain: []accounts.Role{{ARN: targetARN, ExternalID: secretID + "!"}}},
	})
	require.ErrorContains(t, err, `"1": want 12 digits`)
	require.ErrorContains(t, err, "account 111111111111: Name: is not UTF-8 text")
	require.ErrorContains(t, err, "hop 1: ExternalID")
	require.NotContains(t, err.Error(), secretID)
	require.Zero(t, b.Len())
	require.ErrorContains(t, accounts.Save(fullDisk{}, documented()), "no space left")
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile("testdata/accounts.yaml")
	require.NoError(f, err)
	f.Add(text)
	asJSON, err := json.Marshal(documented())
	require.NoError(f, err)
	f.Add(asJSON)
	for _, seed := range []string{
		"", "[", "{", "[]", "- id: 1", "? [a]\n: b", "- &a [*a]", "a: &a\n  <<: *a", "- !!binary x", "\ufeff[]", "{\"accounts\":[[[",
		"- {id: 111111111111, chain: [{arn: a, tags: {a: b}, transitiveTags: [a]}], purposes: {pruner: []}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := accounts.Load(bytes.NewReader(text))
		if err != nil {
			require.Nil(t, got)
			return
		}
		var b bytes.Buffer
		require.NoError(t, accounts.Save(&b, got))
		saved := b.String()
		again, err := accounts.Load(&b)
		require.NoError(t, err, saved)
		require.Equal(t, got, again)
	})
}

// BenchmarkLoad reads 10,000 accounts with two roles each.
func BenchmarkLoad(b *testing.B) {
	var many []accounts.Account
	for i := range 10_000 {
		id := accounts.ID(fmt.Sprintf("%012d", i))
		many = append(many, accounts.Account{
			ID: id, Name: "account", Chain: []accounts.Role{{
				ARN: "arn:aws:iam::" + string(id) + ":role/snapkeep-backup", ExternalID: "HDJ6NKZJ3VCMVW2R7CZ5YB4EDM", Duration: time.Hour,
			}},
			Purposes: map[accounts.Purpose][]accounts.Role{accounts.Pruner: {{
				ARN: "arn:aws:iam::" + string(id) + ":role/snapkeep-pruner", ExternalID: "HDJ6NKZJ3VCMVW2R7CZ5YB4EDM",
			}}},
		})
	}
	var y bytes.Buffer
	require.NoError(b, accounts.Save(&y, many))
	j, err := json.Marshal(many)
	require.NoError(b, err)
	for name, text := range map[string][]byte{"YAML": y.Bytes(), "JSON": j} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				got, err := accounts.Load(bytes.NewReader(text))
				if err != nil || len(got) != len(many) {
					b.Fatal(len(got), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(many)), "µs/account")
		})
	}
}
