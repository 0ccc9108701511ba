package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/backup"
	"github.com/snapkeep/snapkeep/internal/awserr"
)

// copyAll copies the members under the account's own key and waits for the
// copies, with one listing a poll for all of them.
func (w *run) copyAll(ctx context.Context, members []*member) error {
	if len(members) == 0 {
		return nil
	}
	return poll(ctx, w, w.dest.copies, func(found map[string][]types.Snapshot) (bool, error) {
		var absent []*member
		pending := 0
		for _, m := range members {
			switch there, err := w.follow(ctx, m, found[w.req.copyKey(m.PointMember)]); {
			case err != nil:
				return false, w.failed(w.req.site(), err)
			case there == copyAbsent:
				absent = append(absent, m)
			case there == copyPending:
				pending++
			}
		}
		for _, m := range absent {
			if pending >= w.copies {
				break
			}
			switch sent, err := w.send(ctx, m); {
			case err != nil:
				return false, err
			case sent == sendBusy:
				return false, nil
			case sent == sendDone:
				pending++
			}
		}
		return pending == 0 && len(absent) == 0, nil
	})
}

// What a listing says of a member's copy.
type progress int

const (
	copyAbsent progress = iota
	copyPending
	copyDone
)

// follow reads a member's progress off the snapshots that carry its key. There
// may be several: one that was looked for in vain may show later. A completed
// one is taken, and all are deleted in the end.
func (w *run) follow(ctx context.Context, m *member, found []types.Snapshot) (progress, error) {
	there := copyAbsent
	for _, s := range found {
		id := aws.ToString(s.SnapshotId)
		switch {
		case w.dropped[id]:
		case s.State == types.SnapshotStateCompleted:
			if err := w.verify(m, s); err != nil {
				return there, err
			}
			if m.copy == "" {
				w.tell(w.req.site(), Copy, id)
			}
			m.copy = id
			return copyDone, nil
		case s.State != types.SnapshotStateError:
			there = copyPending
		case id == m.copying.made:
			return there, fmt.Errorf("%w: the copy %s of %s failed: %s", backup.ErrSnapshot, id, m.Snapshot.ID, aws.ToString(s.StateMessage))
		default: // of an earlier Run; in this one it may succeed
			if err := w.deleteCopy(ctx, m, id); err != nil {
				return there, err
			}
		}
	}
	switch {
	case there != copyAbsent:
	case m.copying.open(w.Restorer):
		return copyPending, nil // sent, and not to be seen yet
	case m.copying.made != "":
		return there, fmt.Errorf("%w: the copy %s of %s has vanished", backup.ErrSnapshot, m.copying.made, m.Snapshot.ID)
	}
	return there, nil
}

// verify compares a copy with what was asked for.
func (w *run) verify(m *member, s types.Snapshot) error {
	switch id := aws.ToString(s.SnapshotId); {
	case !aws.ToBool(s.Encrypted) || aws.ToString(s.KmsKeyId) != w.req.KMSKey:
		return fmt.Errorf("%w: the copy %s of %s is not under key %s", backup.ErrSnapshot, id, m.Snapshot.ID, w.req.KMSKey)
	case aws.ToInt32(s.VolumeSize) != m.Snapshot.SizeGiB:
		return fmt.Errorf("%w: the copy %s of %s has %d GiB, want %d", backup.ErrSnapshot, id, m.Snapshot.ID, aws.ToInt32(s.VolumeSize), m.Snapshot.SizeGiB)
	}
	return nil
}

// deleteCopy deletes a copy that came to nothing.
func (w *run) deleteCopy(ctx context.Context, m *member, id string) error {
	err := w.dest.deleteSnapshot(ctx, id)
	if err == nil {
		w.dropped[id] = true
		return nil
	}
	return m.copying.bear(w.settle, err, awserr.Throttled, awserr.Unknown)
}

// What became of a call.
type sending int

const (
	sendDone  sending = iota // it is under way, as far as is known
	sendLater                // it was refused and may be sent again
	sendBusy                 // AWS takes no more for now
)

// send shares a member's snapshot, if another account owns it, and begins the
// copy. Only this makes a share, and only right before a copy.
func (w *run) send(ctx context.Context, m *member) (sending, error) {
	if err := w.share(ctx, m); err != nil || w.req.shares() && !m.shared {
		return sendLater, err
	}
	id, err := w.dest.copySnapshot(ctx, w.req, m.PointMember)
	switch {
	case err == nil:
		m.copying.note(id)
		return sendDone, nil
	case errors.Is(err, backup.ErrUnknownOutcome):
		// It is looked for until it must have shown, and then sent again.
		m.copying.note("")
		return sendDone, nil
	case errors.Is(err, backup.ErrThrottled), errors.Is(err, backup.ErrQuota):
		return sendBusy, nil
	case errors.Is(err, backup.ErrNotFound):
		// The share has not arrived, or somebody has taken it back.
		m.shared = false
	}
	if err = m.copying.bear(w.settle, err, awserr.NotFound); err != nil {
		return sendLater, w.failed(w.req.site(), err)
	}
	return sendLater, nil
}

// share shares a member's snapshot with the account. A share that could not be
// made for a reason that may pass leaves the member unshared.
func (w *run) share(ctx context.Context, m *member) error {
	if m.shared || !w.req.shares() {
		return nil
	}
	at := w.req.Point.Site
	if err := w.openVault(ctx); err != nil {
		return w.failed(at, err)
	}
	if err := w.vault.share(ctx, m.Snapshot.ID, w.req.Account); err != nil {
		if err = m.copying.bear(w.settle, err, awserr.Throttled, awserr.Unknown); err != nil {
			return w.failed(at, err)
		}
		return nil
	}
	m.shared = true
	if w.stage == backup.Planned {
		w.advance(backup.Shared)
	}
	w.tell(at, Share, m.Snapshot.ID)
	return nil
}
