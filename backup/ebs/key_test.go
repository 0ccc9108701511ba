package ebs_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A key may be disabled between two runs of one engine, and be enabled again:
// each run finds it as it is. Where KMS is out of reach, who manages a key is
// known from before, and nothing else.
func TestTheStateOfAKeyIsAskedForInEachRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, status := "Enabled", 200
		all := inventory(nil, []disk{{id: "vol-1", key: "arn:key/customer"}})
		client, w := open(t, func(r request) answer {
			if r.action != "DescribeKey" {
				return all(r)
			}
			return answer{status: status, body: `{"__type":"KMSInternalException","KeyMetadata":{"KeyId":"k","KeyManager":"CUSTOMER","KeyState":"` + state + `"}}`}
		})
		found := func() string {
			for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
				require.NoError(t, err)
				return r.Members[0].KeyState
			}
			return "nothing"
		}
		require.Empty(t, found())
		state = "Disabled"
		require.Empty(t, found(), "within ten minutes nobody asks")
		require.Equal(t, 1, w.count("DescribeKey"))
		time.Sleep(11 * time.Minute)
		require.Equal(t, "Disabled", found())
		time.Sleep(11 * time.Minute)
		status = 500
		require.Empty(t, found(), "nobody knows")
		status, state = 200, "Enabled"
		require.Empty(t, found())
	})
}

// A volume may outlive its key.
func TestAKeyThatIsGoneIsMissing(t *testing.T) {
	all := inventory(nil, []disk{{id: "vol-1", key: "arn:key/gone"}, {id: "vol-2", key: "arn:key/customer"}})
	client, _ := open(t, func(r request) answer {
		if r.action == "DescribeKey" && strings.Contains(r.body, "gone") {
			return answer{status: 400, body: `{"__type":"NotFoundException","message":"no such key"}`}
		}
		return all(r)
	})
	states := map[string]string{}
	for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
		require.NoError(t, err)
		states[r.ID()] = r.Members[0].KeyState
	}
	require.Equal(t, map[string]string{"vol-1": backup.KeyMissing, "vol-2": ""}, states)
	key, err := client.(backup.KeyDescriber).DescribeKey(t.Context(), "arn:key/gone")
	require.NoError(t, err)
	require.False(t, key.Usable())
}
