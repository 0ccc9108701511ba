package core_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/iampolicy"
	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// logged is a world in which DeleteSnapshot and CopySnapshot need what they need of IAM.
func logged(t *testing.T, opts core.Options) *world {
	w := newWorld(t, opts)
	w.copySnapshot = func(c *core.Call, in *ec2.CopySnapshotInput) (*ec2.CopySnapshotOutput, error) {
		return &ec2.CopySnapshotOutput{SnapshotId: aws.String("snap-2")}, c.Authorize(
			core.Need{Action: "ec2:CopySnapshot", Resource: snapshotARN, Keys: core.Keys("ec2:Owner", "222222222222")},
			core.Need{Action: "ec2:CreateTags", Resource: "arn:aws:ec2:eu-west-1::snapshot/*", Keys: core.Keys("aws:RequestTag/a", "b")})
	}
	return w
}

func TestTheLogTellsWhoCalledWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands at 2000-01-01T00:00:00Z
		w := logged(t, core.Options{Latency: -1, LogCalls: 10, Limits: core.Limits{Buckets: map[string]core.Bucket{"ec2:DeleteSnapshot": {2, 0}}}})
		client := w.ec2(w.user(parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"*"}]}`)))
		_, err := copySnapshot(t.Context(), client)
		require.Equal(t, "UnauthorizedOperation", code(t, err))
		time.Sleep(time.Minute)
		w.SetFault(script(t, "*: reset after delay 3s").Decide())
		_, err = deleteSnapshot(t.Context(), client)
		require.Error(t, err)
		w.SetFault(script(t, "*: refuse 503 Unavailable").Decide())
		_, err = deleteSnapshot(t.Context(), client)
		require.Error(t, err)
		_, err = deleteSnapshot(t.Context(), client)
		require.Error(t, err)

		log := w.Log()
		require.Len(t, log, 4)
		first := log[0]
		alice := "arn:aws:iam::111111111111:user/alice"
		require.Equal(t, []string{account, "eu-west-1", "ec2", "CopySnapshot", alice, alice, "UnauthorizedOperation", ""},
			[]string{first.Account, first.Region, first.Service, first.Operation, first.Caller, first.Principal, first.Code, first.Fault})
		require.Equal(t, 1, first.N)
		require.Equal(t, "2000-01-01T00:00:00Z", first.Time.UTC().Format(time.RFC3339))
		require.Len(t, first.Decisions, 2)
		require.Equal(t, snapshotARN, first.Decisions[0].Resource)
		require.Equal(t, []string{"222222222222"}, first.Decisions[0].Keys["ec2:Owner"])
		require.Equal(t, iampolicy.Allowed, first.Decisions[0].Decision.Outcome)
		require.Equal(t, "ec2:CreateTags", first.Decisions[1].Action)
		require.Equal(t, iampolicy.ImplicitDeny, first.Decisions[1].Decision.Outcome)

		require.Equal(t, "reset after delay 3s", log[1].Fault)
		require.Empty(t, log[1].Code)
		require.Equal(t, []string{"Unavailable", "refuse 503 Unavailable"}, []string{log[2].Code, log[2].Fault})
		require.Equal(t, "RequestLimitExceeded", log[3].Code)
		require.Zero(t, log[3].N)
	})
}

func TestTheLogIsBounded(t *testing.T) {
	for keep, want := range map[int][]int{0: nil, 3: {5, 6, 7}, 7: {1, 2, 3, 4, 5, 6, 7}, 100: {1, 2, 3, 4, 5, 6, 7}, -1: {1, 2, 3, 4, 5, 6, 7}} {
		w := newWorld(t, core.Options{Latency: -1, LogCalls: keep})
		for range 7 {
			_, err := deleteSnapshot(t.Context(), w.ec2(w.user()))
			require.NoError(t, err)
		}
		var got []int
		for _, r := range w.Log() {
			got = append(got, r.N)
		}
		require.Equal(t, want, got, "keep %d", keep)
		require.Empty(t, w.Authorizations())
	}
}

// Whatever a request holds, its log holds no secret of it.
func TestTheLogHoldsNoSecrets(t *testing.T) {
	w := logged(t, core.Options{Latency: -1, LogCalls: -1})
	w.Lock()
	role := w.Account(account).PutRole(core.Role{Name: "backup", Policies: []*iampolicy.Document{
		parse(t, `{"Version":"2012-10-17","Statement":[{"Sid":"Names","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"*","Condition":{"StringEquals":{"ec2:Owner":"BODY-OF-POLICY"}}}]}`),
	}})
	w.Unlock()
	session := w.session(core.Session{Role: role, Name: "s", Expires: time.Now().Add(time.Hour)})
	client := ec2.NewFromConfig(w.config(session.Key, session.Token))
	_, err := client.CopySnapshot(t.Context(), &ec2.CopySnapshotInput{SourceRegion: aws.String("us-east-1"), SourceSnapshotId: aws.String("s"), Description: aws.String("DESCRIPTION")})
	require.Equal(t, "UnauthorizedOperation", code(t, err))
	_, err = client.RunInstances(t.Context(), &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), UserData: aws.String("USER-DATA")})
	require.NoError(t, err)

	text := fmt.Sprintf("%+v", w.Log())
	require.Contains(t, text, "RunInstances")
	require.Contains(t, text, "assumed-role/backup/s")
	for _, secret := range []string{session.Secret, session.Token, session.ID, "BODY-OF-POLICY", "DESCRIPTION", "USER-DATA", "X-Amz-Signature", "Encoded"} {
		require.False(t, strings.Contains(text, secret), secret)
	}
}
