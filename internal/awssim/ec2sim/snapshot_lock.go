package ec2sim

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

const day = 24 * time.Hour

// Source of the numbers: EC2 API Reference, LockSnapshot.
const (
	maxLockDays     = 36_500
	maxCoolOffHours = 72
)

// A lock keeps a snapshot from being deleted.
type lock struct {
	mode    types.LockMode
	created time.Time
	// from is when the mode came to be what it is: a cooling-off period starts
	// with it.
	from    time.Time
	coolOff int32     // hours; zero means none
	days    int32     // duration; zero: the lock has a date
	until   time.Time // date; zero: the lock has a duration
}

// expiry is when the lock ends; the zero time if that is not known yet.
//
// A duration counts from when the snapshot is completed. Changing the duration
// does not start it anew: no public source tells, and a client that counts on
// the longer reading would have less than it thinks.
// Source: EC2 API Reference, LockedSnapshotsInfo, LockDurationStartTime.
func (l *lock) expiry(sn *snapshot, now time.Time) time.Time {
	if l.days == 0 {
		return l.until
	}
	if start := l.start(sn, now); !start.IsZero() {
		return start.Add(time.Duration(l.days) * day)
	}
	return time.Time{}
}

// start is when the lock's duration began; the zero time if it did not yet.
func (l *lock) start(sn *snapshot, now time.Time) time.Time {
	if now.Before(sn.done) {
		return time.Time{}
	}
	if l.created.Before(sn.done) {
		return sn.done
	}
	return l.created
}

func (l *lock) coolOffEnd() time.Time { return l.from.Add(time.Duration(l.coolOff) * time.Hour) }

// lockState is empty for a snapshot that has no lock. The lock of a snapshot
// whose creation fails is cancelled.
// Source: Amazon EBS User Guide, "Considerations for Amazon EBS snapshot lock".
func (sn *snapshot) lockState(now time.Time) types.LockState {
	l := sn.lock
	if l == nil || sn.failure != "" && !now.Before(sn.done) {
		return ""
	}
	switch expiry := l.expiry(sn, now); {
	case !expiry.IsZero() && !now.Before(expiry):
		return types.LockStateExpired
	case l.mode == types.LockModeGovernance:
		return types.LockStateGovernance
	case now.Before(l.coolOffEnd()):
		return types.LockStateComplianceCooloff
	}
	return types.LockStateCompliance
}

// locked tells whether the snapshot cannot be deleted.
func (sn *snapshot) locked(now time.Time) bool {
	state := sn.lockState(now)
	return state != "" && state != types.LockStateExpired
}

// SetLockedCode replaces the error code with which DeleteSnapshot refuses a
// locked snapshot. No public source tells what AWS answers. The default,
// OperationNotPermitted, is the one of EC2's documented codes that says it
// best; a client should be tried with another, since it must not depend on it.
func (s *Service) SetLockedCode(code string) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	s.lockedCode = code
}

// LockSnapshot locks a snapshot of the caller's, or changes its lock.
func (s *Service) LockSnapshot(c *core.Call, in *ec2.LockSnapshotInput) (*ec2.LockSnapshotOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	if err := checkLock(c.Now, in); err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	wanted := &lock{
		mode: in.LockMode, created: stamp(c.Now), from: stamp(c.Now), coolOff: aws.ToInt32(in.CoolOffPeriod), days: aws.ToInt32(in.LockDuration),
	}
	if in.ExpirationDate != nil {
		wanted.until = stamp(*in.ExpirationDate)
	}
	sub := sn.existing("snapshot", c.Account.ID).with(wanted.keys())
	if err := allowed(c, in.DryRun, needs("LockSnapshot", sub)...); err != nil {
		return nil, err
	}
	if state := sn.state(c.Now); state != types.SnapshotStatePending && state != types.SnapshotStateCompleted {
		return nil, core.Errorf("IncorrectState", "The snapshot '%s' is '%s'; only pending and completed snapshots can be locked", sn.id, state)
	}
	if err := sn.changeLock(c.Now, wanted); err != nil {
		return nil, err
	}
	info := sn.lockInfo(c.Now)
	return &ec2.LockSnapshotOutput{
		CoolOffPeriod: info.CoolOffPeriod, CoolOffPeriodExpiresOn: info.CoolOffPeriodExpiresOn, LockCreatedOn: info.LockCreatedOn,
		LockDuration: info.LockDuration, LockDurationStartTime: info.LockDurationStartTime, LockExpiresOn: info.LockExpiresOn,
		LockState: info.LockState, SnapshotId: info.SnapshotId,
	}, nil
}

// checkLock checks what can be said of a request by itself.
// Source: EC2 API Reference, LockSnapshot.
func checkLock(now time.Time, in *ec2.LockSnapshotInput) error {
	switch {
	case in.LockMode == "":
		return core.Errorf("MissingParameter", "The request must contain the parameter LockMode")
	case in.LockMode != types.LockModeGovernance && in.LockMode != types.LockModeCompliance:
		return invalid("LockMode", in.LockMode)
	case in.LockDuration == nil && in.ExpirationDate == nil:
		return core.Errorf("MissingParameter", "The request must contain the parameter LockDuration or ExpirationDate")
	case in.LockDuration != nil && in.ExpirationDate != nil:
		return core.Errorf("InvalidParameterCombination", "The parameters LockDuration and ExpirationDate cannot be used together")
	case in.LockDuration != nil && (*in.LockDuration < 1 || *in.LockDuration > maxLockDays):
		return invalid("LockDuration", *in.LockDuration)
	case in.ExpirationDate != nil && (!in.ExpirationDate.After(now) || in.ExpirationDate.After(now.Add(maxLockDays*day))):
		return invalid("ExpirationDate", timestamp(*in.ExpirationDate))
	case in.CoolOffPeriod != nil && in.LockMode == types.LockModeGovernance:
		return core.Errorf("InvalidParameterCombination", "The parameter CoolOffPeriod cannot be used with the lock mode governance")
	case in.CoolOffPeriod != nil && (*in.CoolOffPeriod < 1 || *in.CoolOffPeriod > maxCoolOffHours):
		return invalid("CoolOffPeriod", *in.CoolOffPeriod)
	}
	return nil
}

// keys that tell a policy what lock is asked for, or is there. A lock with a
// date has no duration; whether AWS computes one for the condition key is not
// documented.
func (l *lock) keys() map[string][]string {
	keys := map[string][]string{}
	if l != nil && l.days > 0 {
		keys["ec2:SnapshotLockDuration"] = []string{strconv.Itoa(int(l.days))}
	}
	if l != nil && l.coolOff > 0 {
		keys["ec2:SnapshotCoolOffPeriod"] = []string{strconv.Itoa(int(l.coolOff))}
	}
	return keys
}

// changeLock puts a lock on the snapshot or changes the one it has. Once a
// lock in compliance mode has cooled off it can only be made longer.
// Source: EC2 API Reference, LockSnapshot.
func (sn *snapshot) changeLock(now time.Time, wanted *lock) error {
	old := sn.lock
	if !sn.locked(now) {
		sn.lock = wanted
		return nil
	}
	wanted.created = old.created
	if old.mode == wanted.mode {
		wanted.from = old.from
	}
	if sn.lockState(now) == types.LockStateCompliance {
		switch {
		case wanted.mode != types.LockModeCompliance:
			return core.Errorf("OperationNotPermitted", "The lock mode of the snapshot '%s' cannot be changed", sn.id)
		case wanted.coolOff > 0:
			return core.Errorf("InvalidParameterCombination", "The cooling-off period of the snapshot '%s' has expired and cannot be specified", sn.id)
		case !wanted.longer(old, sn, now):
			return core.Errorf("OperationNotPermitted", "The lock of the snapshot '%s' can only be extended", sn.id)
		}
		wanted.coolOff = old.coolOff
	}
	sn.lock = wanted
	return nil
}

// longer tells whether a lock ends after another that the snapshot has. While
// the snapshot is pending two durations are compared as such, and one with a
// date as if the snapshot were completed now, which is no later than it will be.
func (l *lock) longer(old *lock, sn *snapshot, now time.Time) bool {
	ends := func(l *lock) time.Time {
		if end := l.expiry(sn, now); !end.IsZero() {
			return end
		}
		return now.Add(time.Duration(l.days) * day)
	}
	return ends(l).After(ends(old))
}

// UnlockSnapshot takes a lock off that is in governance mode or still in its
// cooling-off period.
func (s *Service) UnlockSnapshot(c *core.Call, in *ec2.UnlockSnapshotInput) (*ec2.UnlockSnapshotOutput, error) {
	if _, err := s.here(c); err != nil {
		return nil, err
	}
	sn, err := s.ownSnapshot(c, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	sub := sn.existing("snapshot", c.Account.ID).with(sn.lock.keys())
	if err := allowed(c, in.DryRun, needs("UnlockSnapshot", sub)...); err != nil {
		return nil, err
	}
	// The codes of both are not documented.
	switch sn.lockState(c.Now) {
	case "", types.LockStateExpired:
		return nil, core.Errorf("IncorrectState", "The snapshot '%s' is not locked", sn.id)
	case types.LockStateCompliance:
		return nil, core.Errorf("OperationNotPermitted", "The snapshot '%s' is locked in compliance mode and cannot be unlocked", sn.id)
	}
	sn.lock = nil
	return &ec2.UnlockSnapshotOutput{SnapshotId: aws.String(sn.id)}, nil
}
