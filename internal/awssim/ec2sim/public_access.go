package ec2sim

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DeclarePublicAccess sets the block public access state of a site as a
// declarative policy of its organization does: the account can then not
// change it. An empty state ends the policy and leaves the state as it is.
func (s *Service) DeclarePublicAccess(at Site, state types.SnapshotBlockPublicAccessState) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	st := s.site(at)
	st.declared = state != ""
	if st.declared {
		st.blocked = state
	}
}

// EnableSnapshotBlockPublicAccess forbids the account to share snapshots of
// the Region with all.
func (s *Service) EnableSnapshotBlockPublicAccess(c *core.Call, in *ec2.EnableSnapshotBlockPublicAccessInput) (*ec2.EnableSnapshotBlockPublicAccessOutput, error) {
	switch in.State {
	case types.SnapshotBlockPublicAccessStateBlockAllSharing, types.SnapshotBlockPublicAccessStateBlockNewSharing:
	default:
		return nil, invalid("State", in.State)
	}
	if err := s.setPublicAccess(c, in.DryRun, in.State); err != nil {
		return nil, err
	}
	return &ec2.EnableSnapshotBlockPublicAccessOutput{State: in.State}, nil
}

// DisableSnapshotBlockPublicAccess allows it again. What was shared with all
// before is so again.
func (s *Service) DisableSnapshotBlockPublicAccess(c *core.Call, in *ec2.DisableSnapshotBlockPublicAccessInput) (*ec2.DisableSnapshotBlockPublicAccessOutput, error) {
	const state = types.SnapshotBlockPublicAccessStateUnblocked
	if err := s.setPublicAccess(c, in.DryRun, state); err != nil {
		return nil, err
	}
	return &ec2.DisableSnapshotBlockPublicAccessOutput{State: state}, nil
}

func (s *Service) setPublicAccess(c *core.Call, dryRun *bool, state types.SnapshotBlockPublicAccessState) error {
	st, err := s.setting(c, dryRun)
	if err != nil {
		return err
	}
	if st.declared {
		// The code is not documented.
		return core.Errorf("OperationNotPermitted", "Block public access is managed by a declarative policy")
	}
	st.blocked = state
	return nil
}

// GetSnapshotBlockPublicAccessState tells the state of the account in the Region.
func (s *Service) GetSnapshotBlockPublicAccessState(c *core.Call, in *ec2.GetSnapshotBlockPublicAccessStateInput) (*ec2.GetSnapshotBlockPublicAccessStateOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	out := &ec2.GetSnapshotBlockPublicAccessStateOutput{ManagedBy: types.ManagedByAccount, State: st.publicAccess()}
	if st.declared {
		out.ManagedBy = types.ManagedByDeclarativePolicy
	}
	return out, nil
}

// publicAccess is the block public access state of the site.
func (st *site) publicAccess() types.SnapshotBlockPublicAccessState {
	if st.blocked == "" {
		return types.SnapshotBlockPublicAccessStateUnblocked
	}
	return st.blocked
}

// forAll tells whether everybody may use the snapshot: its owner shared it
// with all, and the owner's account does not block that.
// Source: EC2 API Reference, EnableSnapshotBlockPublicAccess.
func (sn *snapshot) forAll() bool {
	return sn.public && (sn.home == nil || sn.home.blocked != types.SnapshotBlockPublicAccessStateBlockAllSharing)
}
