package ec2sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/internal/awssim/ec2sim"
)

// How long moves take in the model, and how long the bin keeps.
const (
	archiving  = 5 * time.Hour
	restoring  = 20 * time.Hour
	binKeeps   = 4 * days
	recovering = time.Minute
)

// A keptModel is what a test expects of one snapshot that is locked, archived,
// deleted and brought back at random. Each of its fields is a moment, or zero.
type keptModel struct {
	ref               ec2sim.Ref
	digest            [32]byte
	lockedAt, lockEnd time.Time
	compliance        bool
	coolSince         time.Time // when its mode became compliance
	coolEnd           time.Time
	archivedFrom      time.Time // in the archive from then on
	archivedTo        time.Time // and until then, if that is set
	loanEnd           time.Time // after which it is archived again
	busyUntil         time.Time // no archiving, restoring or deleting until then
	binnedAt          time.Time
	backAt            time.Time
}

func (m *keptModel) locked(now time.Time) bool { return now.Before(m.lockEnd) }

func (m *keptModel) frozen(now time.Time) bool {
	return m.locked(now) && m.compliance && !now.Before(m.coolEnd)
}

func (m *keptModel) archived(now time.Time) bool {
	if m.archivedFrom.IsZero() || now.Before(m.archivedFrom) {
		return false
	}
	return m.archivedTo.IsZero() || now.Before(m.archivedTo) || !m.loanEnd.IsZero() && !now.Before(m.loanEnd)
}

func (m *keptModel) onLoan(now time.Time) bool { return !m.loanEnd.IsZero() && !m.archived(now) }

func (m *keptModel) binned(now time.Time) bool { return !m.binnedAt.IsZero() }

func (m *keptModel) lost(now time.Time) bool {
	return m.binned(now) && !now.Before(m.binnedAt.Add(binKeeps))
}

// act does one thing at random and returns what it was, the code it got and
// the code it should have got.
func (m *keptModel) act(w *world, r *rand.Rand) (what, got, want string) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	n := int32(r.IntN(6) + 1)
	missing := ""
	if m.binned(now) {
		missing = "InvalidSnapshot.NotFound"
	}
	then := func(code string, applies bool) string {
		switch {
		case missing != "":
			return missing
		case applies:
			return code
		}
		return ""
	}
	switch r.IntN(8) {
	case 0, 1:
		return m.lock(w, r, now, n, then)
	case 2:
		what, got = "unlock", w.unlock(m.ref)
		want = then("IncorrectState", !m.locked(now))
		if want == "" {
			want = then("OperationNotPermitted", m.frozen(now))
		}
		if got == "" {
			m.lockEnd = time.Time{}
		}
	case 3, 4:
		what, got = "delete", w.remove(m.ref)
		want = then("OperationNotPermitted", m.locked(now))
		if want == "" {
			want = then("IncorrectState", now.Before(m.busyUntil) || now.Before(m.backAt))
		}
		if got == "" {
			m.binnedAt = now
		}
	case 5:
		what, got = "archive", w.archive(m.ref)
		want = then("IncorrectState", now.Before(m.busyUntil) || now.Before(m.backAt) || m.archived(now) || m.onLoan(now))
		if got == "" {
			m.archivedFrom, m.archivedTo, m.loanEnd = now.Add(archiving), time.Time{}, time.Time{}
			m.busyUntil = m.archivedFrom
		}
	case 6:
		return m.bringBack(w, r, now, n, then)
	case 7:
		what = "recover"
		_, got = w.recover(m.ref)
		if !m.binned(now) {
			want = "InvalidSnapshot.NotFound"
		}
		if got == "" {
			m.binnedAt, m.backAt = time.Time{}, now.Add(recovering)
		}
	}
	return what, got, want
}

func (m *keptModel) lock(w *world, r *rand.Rand, now time.Time, n int32, then func(string, bool) string) (what, got, want string) {
	compliant := r.IntN(2) == 0
	in := governance(m.ref, n)
	if compliant {
		in = compliance(m.ref, n, int32(r.IntN(3))*24)
	}
	got = w.lock(m.ref, in)
	start := now
	if m.locked(now) {
		start = m.lockedAt
	}
	end := start.Add(time.Duration(n) * days)
	switch {
	case m.frozen(now) && compliant && in.CoolOffPeriod != nil:
		want = then("InvalidParameterCombination", true)
	default:
		want = then("OperationNotPermitted", m.frozen(now) && (!compliant || !end.After(m.lockEnd)))
	}
	if now.Before(m.backAt) && want == "" || now.Before(m.backAt) && m.binnedAt.IsZero() {
		want = then("IncorrectState", true)
	}
	if got == "" {
		if !m.frozen(now) {
			m.coolEnd = m.coolStart(now, compliant).Add(time.Duration(aws.ToInt32(in.CoolOffPeriod)) * time.Hour)
		}
		m.lockedAt, m.lockEnd, m.compliance = start, end, compliant
	}
	return fmt.Sprint("lock ", in.LockMode, " ", n, " days"), got, want
}

// coolStart is when the cooling-off period of a lock that is put now began.
func (m *keptModel) coolStart(now time.Time, compliant bool) time.Time {
	if m.locked(now) && m.compliance && compliant {
		return m.coolSince
	}
	m.coolSince = now
	return now
}

func (m *keptModel) bringBack(w *world, r *rand.Rand, now time.Time, n int32, then func(string, bool) string) (what, got, want string) {
	if r.IntN(2) == 0 {
		n = 0
	}
	got = w.restore(m.ref, n)
	loan := m.onLoan(now)
	want = then("IncorrectState", now.Before(m.busyUntil) || !m.archived(now) && !loan)
	if got == "" {
		ready := now
		if !loan {
			ready = now.Add(restoring)
		}
		m.archivedTo, m.busyUntil, m.loanEnd = ready, ready, time.Time{}
		if n > 0 {
			m.loanEnd = ready.Add(time.Duration(n) * days)
		} else if loan {
			m.archivedFrom = time.Time{}
		}
	}
	return fmt.Sprint("restore for ", n, " days"), got, want
}

// check compares a snapshot with the model.
func (m *keptModel) check(t *testing.T, w *world, all map[ec2sim.Ref]ec2sim.Snapshot, trail string) {
	now := time.Now()
	got, there := all[m.ref]
	require.Equal(t, !m.lost(now), there, trail)
	if !there {
		return
	}
	state := types.SnapshotStateCompleted
	switch {
	case m.binned(now):
		state = types.SnapshotStateRecoverable
	case now.Before(m.backAt):
		state = types.SnapshotStateRecovering
	}
	require.Equal(t, state, got.State, trail)
	require.Equal(t, m.locked(now), got.Lock != "" && got.Lock != types.LockStateExpired, trail)
	require.Equal(t, m.frozen(now), got.Lock == types.LockStateCompliance, trail)
	require.Equal(t, m.archived(now), got.Tier == types.StorageTierArchive, trail)
	digest, err := w.EC2().Digest(m.ref)
	if !m.binned(now) {
		require.NoError(t, err)
		require.Equal(t, m.digest, digest, trail)
	}
}

// Snapshots that are locked, archived, deleted and brought back in any order
// are what a second model, which works with moments alone, says of them.
func TestKeptSnapshotsAgreeWithAModel(t *testing.T) {
	outcomes := map[string]int{}
	for seed := range uint64(20) {
		inWorld(t, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(seed, 1))
			at := site(target, ireland)
			w.EC2().SetLimits(ec2sim.Limits{Spacing: -1, Restores: -1})
			w.EC2().SetDurations(ec2sim.Durations{
				Archive: archiving, ArchiveBlock: -1, Restore: restoring, RestoreBlock: -1, Recovery: recovering, Jitter: -1,
			})
			require.NoError(t, w.EC2().SetRecycleBin(ec2sim.BinRule{Site: at, Days: int(binKeeps / days)}))
			vol := w.volume(at, "")
			var kept []*keptModel
			for i := range 4 {
				w.write(vol, fmt.Sprint(i), int64(i), 3)
				m := &keptModel{ref: w.snapshot(vol)}
				var err error
				m.digest, err = w.EC2().Digest(m.ref)
				require.NoError(t, err)
				kept = append(kept, m)
			}
			trail := fmt.Sprint("seed ", seed)
			for range 80 {
				i := r.IntN(len(kept))
				if m := kept[i]; !m.lost(time.Now()) {
					what, got, want := m.act(w, r)
					trail += fmt.Sprintf("\n%s %d %s: %s", time.Now().UTC().Format("02 15:04:05"), i, what, got)
					require.Equal(t, want, got, trail)
					verb, _, _ := strings.Cut(what, " ")
					outcomes[verb+" "+got]++
				}
				if r.IntN(3) > 0 {
					time.Sleep(time.Duration(r.IntN(int(30 * time.Hour))))
				}
				all := map[ec2sim.Ref]ec2sim.Snapshot{}
				for _, sn := range w.EC2().Snapshots() {
					all[sn.Ref] = sn
				}
				for _, m := range kept {
					m.check(t, w, all, trail)
				}
			}
		})
	}
	for _, verb := range []string{"lock", "unlock", "delete", "archive", "restore", "recover"} {
		require.NotZero(t, outcomes[verb+" "], "%s always fails: %v", verb, outcomes)
		require.NotZero(t, outcomes[verb+" InvalidSnapshot.NotFound"], "%s is never too late: %v", verb, outcomes)
	}
}
