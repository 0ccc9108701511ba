package backup_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// DescribeKey tells what the cloud says of a key, and nothing of others. It is
// not counted among the calls.
func (f *fakeClient) DescribeKey(_ context.Context, arn string) (backup.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys[arn], f.keyErrs[arn]
}

var _ backup.KeyDescriber = (*fakeClient)(nil)

func TestABadKeyAtOneDestinationIsToldAtOnceAndTheOtherHasItsCopies(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly(copyTo(home), copyTo(second))
		c.keys = map[string]backup.Key{keyAt(second): {State: "Disabled"}, keyAt(home): {State: "Enabled"}}
		var early error
		opts := backup.Options{OnEvent: func(ev backup.Event) {
			if errors.Is(ev.Err, backup.ErrKey) && early == nil {
				require.Empty(t, c.snaps, "nothing was made yet")
				early = ev.Err
			}
		}}
		report, err := engine(t, c, opts).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrKey)
		require.ErrorContains(t, err, "copy to 999999999999/eu-central-1: unusable KMS key: the destination key "+keyAt(second))
		require.Len(t, report.Errors, 3)
		require.Len(t, c.at(home), 5)
		require.Empty(t, c.at(second))
		for _, call := range c.calls {
			require.False(t, call.op == "copy" && call.site == second, "no copy is begun that must fail")
		}
		var detail *backup.KeyError
		require.ErrorAs(t, early, &detail)
		require.Equal(t, backup.KeyError{
			Key: keyAt(second), Account: vault, Part: backup.DestinationKey, Reason: "is disabled",
			Remedy: "enable it (kms:EnableKey), or name another as the kmsKey of the plan's copies",
		}, *detail)
		nothingShared(t, c)
	})
}

func TestNothingIsMadeWhereNoDestinationsKeyIsGood(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly(copyTo(home), copyTo(second))
		c.keys = map[string]backup.Key{
			keyAt(home):   {State: "PendingImport"},
			keyAt(second): {State: "Enabled", Spec: "RSA_2048", Usage: "ENCRYPT_DECRYPT"},
		}
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrKey)
		require.ErrorContains(t, err, "has no key material; import it (kms:ImportKeyMaterial)")
		require.ErrorContains(t, err, "is of kind RSA_2048 for ENCRYPT_DECRYPT, and EBS takes symmetric keys for encryption only")
		require.Empty(t, c.snaps)
	})
}

// What is at its destinations needs no key any more: a run that is taken up
// again ends well, whatever has become of the key.
func TestAFinishedRunDoesNotMindItsKey(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p, at := story(t), nightly(), time.Now()
		run(t, c, p, at)
		time.Sleep(time.Minute)
		c.keys = map[string]backup.Key{keyAt(home): {State: "Disabled"}, keyAt(siteA): {State: backup.KeyMissing}}
		run(t, c, p, at)
	})
}

// Without copies nobody uses a key, and a snapshot is better than none.
func TestASourceKeyMattersForCopiesOnly(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := newCloud(t), nightly()
		m := plain("vol-a9", 20)
		m.Encrypted, m.KMSKey, m.KeyState = true, keyAt(siteA)+"-own", "Disabled"
		c.resources[siteA] = []backup.Resource{volume(siteA, m)}
		p.Sources = p.Sources[:1]
		_, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorIs(t, err, backup.ErrKey)
		require.ErrorContains(t, err, "the source key "+m.KMSKey+" of account 111111111111 is disabled")
		require.Empty(t, c.snaps)
		p.Copies = nil
		run(t, c, p, time.Now())
		require.Len(t, c.snaps, 1)
	})
}

// A key that may pass into use, or that cannot be asked about, stops nothing.
func TestWhatIsNotKnownOfKeysStopsNothing(t *testing.T) {
	for name, test := range map[string]struct {
		key backup.Key
		err error
	}{
		"creating":    {key: backup.Key{State: "Creating"}},
		"updating":    {key: backup.Key{State: "Updating"}},
		"unavailable": {key: backup.Key{State: "Unavailable"}},
		"denied":      {err: backup.ErrDenied},
		"throttled":   {err: backup.ErrThrottled},
		"broken":      {err: errors.New("no such host")},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c, p := story(t), nightly()
				c.keys, c.keyErrs = map[string]backup.Key{}, map[string]error{}
				for _, key := range []string{keyAt(home), keyAt(siteA)} {
					c.keys[key], c.keyErrs[key] = test.key, test.err
				}
				run(t, c, p, time.Now())
			})
		})
	}
}

// A rekey key matters where something is under aws/ebs.
func TestABadRekeyKeyConcernsWhatIsRekeyed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		c, p := story(t), nightly()
		c.keys = map[string]backup.Key{keyAt(siteA): {State: "PendingReplicaDeletion"}}
		report, err := engine(t, c, backup.Options{}).Run(t.Context(), p, time.Now())
		require.ErrorContains(t, err, "instance/i-a1: after planned: unusable KMS key: the rekey key "+keyAt(siteA)+" of account 111111111111 is scheduled for deletion")
		require.Len(t, report.Errors, 1)
		require.Equal(t, 2, report.Points)
	})
}
