package world_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/examples/awssim/world"
)

func none(string) ([]byte, error) { return nil, fs.ErrNotExist }

func TestWhatAScriptMayNotSay(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an unknown field":                 {"speed: 2\nspede: 3\n", "line 2: field spede not found"},
		"an unknown field further in":      {"accounts:\n- id: '111111111111'\n  rolls: []\n", "line 3: field rolls not found"},
		"a field twice":                    {"speed: 2\nspeed: 3\n", "line 2"},
		"two documents":                    {"speed: 2\n---\nspeed: 3\n", "more than one document"},
		"a negative speed":                 {"speed: -1", "speed -1"},
		"a bad account id":                 {"accounts: [{id: '12'}]", "want 12 digits"},
		"an account twice":                 {"accounts: [{id: '111111111111'}, {id: '111111111111'}]", "account 111111111111 is there twice"},
		"a user without a name":            {"accounts: [{id: '111111111111', users: [{}]}]", "a user without a name"},
		"a role twice":                     {"accounts: [{id: '111111111111', roles: [{name: a, trust: admin}, {name: a, trust: admin}]}]", "role a is there twice"},
		"a role without trust":             {"accounts: [{id: '111111111111', roles: [{name: a}]}]", "trust is missing"},
		"a policy that is a wrong word":    {"accounts:\n- id: '111111111111'\n  users:\n  - {name: a, policies: [root]}\n", "line 4: policy \"root\""},
		"a policy that is none":            {"accounts:\n- id: '111111111111'\n  users:\n  - name: a\n    policies:\n    - Statement: 7\n", "line 6: policy"},
		"a policy in a file there is not":  {"accounts:\n- id: '111111111111'\n  users:\n  - {name: a, policies: [{file: x.json}]}\n", "line 4: policy: file does not exist"},
		"a volume without a name":          {"accounts: [{id: '111111111111', volumes: [{}]}]", "a volume without a name"},
		"a volume with a key there is not": {"accounts: [{id: '111111111111', volumes: [{name: v, key: k}]}]", "there is no key k in us-east-1"},
		"an attached volume nowhere":       {"accounts: [{id: '111111111111', instances: [{name: i, volumes: [{}]}]}]", "a volume without a device"},
		"an attached volume elsewhere":     {"accounts: [{id: '111111111111', instances: [{name: i, volumes: [{device: /dev/sdf, zone: b}]}]}]", "where the instance is"},
		"a fault without a way":            {"faults: [{}]", "fault 1: way \"\""},
		"a fault with an odd status":       {"faults: [{way: refuse, status: 200}]", "status 200"},
		"a chance beyond 1":                {"faults: [{way: reset, chance: 2}]", "chance 2"},
		"no YAML":                          {"\t", "found character"},
	} {
		_, err := world.Parse([]byte(c.text), none)
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestAPolicyFromAFile(t *testing.T) {
	open := func(name string) ([]byte, error) {
		if name != "p.json" {
			return nil, errors.New("asked for " + name)
		}
		return []byte(`{"Version":"2012-10-17","Statement":[]}`), nil
	}
	_, err := world.Parse([]byte("accounts: [{id: '111111111111', users: [{name: a, policies: [{file: p.json}]}]}]"), open)
	require.NoError(t, err)
}

func TestTheWorldsThatComeWithIt(t *testing.T) {
	require.Contains(t, world.Names(), "default")
	for _, name := range world.Names() {
		text, open, err := world.Named(name)
		require.NoError(t, err)
		_, err = world.Parse(text, open)
		require.NoError(t, err, name)
	}
	_, _, err := world.Named("../doc")
	require.ErrorContains(t, err, "there is no world")
}

func FuzzParse(f *testing.F) {
	for _, name := range world.Names() {
		text, _, err := world.Named(name)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"accounts":[{"id":"111111111111","users":[{"name":"a","policies":[{"file":"x"}]}]}]}`))
	f.Add([]byte("accounts: &a [*a]"))
	f.Add([]byte("faults: [{way: hang, chance: .nan}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := world.Parse(text, none)
		if err == nil {
			require.NotEmpty(t, s.Region)
		}
	})
}
