package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// takeCredit tells whether a volume made of a snapshot in a zone is
// initialized by fast snapshot restore, which takes a volume creation credit.
// A snapshot begins without any. That they grow from when it is being enabled,
// and can be used once it is enabled, is our reading.
// Source: Amazon EBS User Guide, "Amazon EBS fast snapshot restore volume
// creation credits", with both formulas.
func (st *site) takeCredit(now time.Time, sn *snapshot, zone string) bool {
	st.settleFastRestores(now)
	f := st.fastRestore(now, sn, zone)
	if f == nil || f.state(now) != types.FastSnapshotRestoreStateCodeEnabled {
		return false
	}
	perHour := min(10, 1024/float64(sn.size))
	f.credits = min(max(1, perHour), f.credits+perHour*now.Sub(f.counted).Hours())
	f.counted = now
	if f.credits < 1 {
		return false
	}
	f.credits--
	return true
}
