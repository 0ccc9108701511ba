package backup_test

import "github.com/snapkeep/snapkeep/backup"

// API names the call that a step is, as EC2 does.
func (c *cloud) API(s backup.Step) string {
	switch s.Kind {
	case backup.StepSnapshot:
		if s.Resource.Kind == "volume" {
			return "CreateSnapshot"
		}
		return "CreateSnapshots"
	case backup.StepCopy:
		return "CopySnapshot"
	case backup.StepDelete:
		return "DeleteSnapshot"
	case backup.StepQuiesce, backup.StepResume, backup.StepVSS:
		return "SendCommand"
	case backup.StepLock:
		return "LockSnapshot"
	case backup.StepThaw:
		return "RestoreSnapshotTier"
	case backup.StepArchive:
		return "ModifySnapshotTier"
	case backup.StepRegister:
		return "RegisterImage"
	case backup.StepDeregister:
		return "DeregisterImage"
	default:
		return "ModifySnapshotAttribute"
	}
}

// size returns how large a volume is now.
func (f *fakeClient) size(m backup.Member) int32 {
	for _, r := range f.resources[f.site] {
		for _, is := range r.Members {
			if is.Volume == m.Volume {
				return is.SizeGiB
			}
		}
	}
	return m.SizeGiB
}
