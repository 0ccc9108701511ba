package ec2sim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// An imageAccess says who but the owner may launch an image.
type imageAccess struct {
	public        bool
	users         []string
	organizations []string // ARNs
	units         []string // ARNs
}

// grants tells whether an account is let in by name or by its organization.
func (a imageAccess) grants(account *core.Account) bool {
	if slices.Contains(a.users, account.ID) {
		return true
	}
	in := func(arns []string, part string) bool {
		return slices.ContainsFunc(arns, func(arn string) bool { return part != "" && arn[strings.LastIndex(arn, "/")+1:] == part })
	}
	return in(a.organizations, account.Organization) ||
		slices.ContainsFunc(strings.Split(account.OrgPath, "/"), func(unit string) bool { return in(a.units, unit) })
}

// visible tells whether an account may see an image and launch it.
func (im *image) visible(account *core.Account) bool {
	return im.site.Account == account.ID || im.access.public || im.access.grants(account)
}

// A permission is one entry of launch permissions: one of its members is set.
type permission = types.LaunchPermission

// A permissionChange is one change of launch permissions.
type permissionChange struct {
	remove  bool
	entries []permission
}

// readPermissions reads the two ways to write a change.
func readPermissions(in *ec2.ModifyImageAttributeInput) (permissionChange, error) {
	ch := permissionChange{remove: in.OperationType == types.OperationTypeRemove}
	for _, u := range in.UserIds {
		ch.entries = append(ch.entries, permission{UserId: aws.String(u)})
	}
	for _, g := range in.UserGroups {
		ch.entries = append(ch.entries, permission{Group: types.PermissionGroup(g)})
	}
	for _, o := range in.OrganizationArns {
		ch.entries = append(ch.entries, permission{OrganizationArn: aws.String(o)})
	}
	for _, u := range in.OrganizationalUnitArns {
		ch.entries = append(ch.entries, permission{OrganizationalUnitArn: aws.String(u)})
	}
	flat := len(ch.entries) > 0
	if flat && !slices.Contains(in.OperationType.Values(), in.OperationType) {
		return ch, core.Errorf("MissingParameter", "The request must contain the parameter OperationType")
	}
	if p := in.LaunchPermission; p != nil {
		if len(p.Add) > 0 && len(p.Remove) > 0 || flat {
			return ch, core.Errorf("InvalidParameterCombination", "Cannot add and remove permissions in one request")
		}
		ch.remove = len(p.Remove) > 0
		ch.entries = append(slices.Clone(p.Add), p.Remove...)
	}
	return ch, ch.check()
}

func (ch permissionChange) check() error {
	if len(ch.entries) == 0 {
		return core.Errorf("MissingParameter", "The request must contain a user, a group, an organization or an organizational unit")
	}
	for _, p := range ch.entries {
		switch {
		case p.Group != "" && p.Group != types.PermissionGroupAll:
			return core.Errorf("InvalidParameterValue", "Value (%s) for parameter userGroup is invalid.", p.Group)
		case p.UserId != nil && !isAccount(*p.UserId):
			return core.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userId item type.", *p.UserId)
		case p.OrganizationArn != nil && !strings.Contains(*p.OrganizationArn, ":organization/o-"):
			return core.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for organizationArn item type.", *p.OrganizationArn)
		case p.OrganizationalUnitArn != nil && !strings.Contains(*p.OrganizationalUnitArn, ":ou/o-"):
			return core.Errorf("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for organizationalUnitArn item type.", *p.OrganizationalUnitArn)
		}
	}
	return nil
}

func isAccount(id string) bool { return len(id) == 12 && strings.Trim(id, "0123456789") == "" }

// canPermit refuses what AWS refuses whoever asks.
// Source: EC2 User Guide, "Share an AMI with specific AWS accounts" and "Make
// your AMI publicly available": a disabled AMI and one with snapshots under
// the default key cannot be shared, one with encrypted snapshots not with
// all. The codes are those of snapshots, by analogy.
func (s *Service) canPermit(c *core.Call, im *image, ch permissionChange) error {
	if ch.remove {
		return nil
	}
	public := slices.ContainsFunc(ch.entries, func(p permission) bool { return p.Group != "" })
	switch {
	case im.disabled:
		return core.Errorf("OperationNotPermitted", "The disabled image %s cannot be shared", im.id)
	case public && !s.site(im.site).publicImages:
		return core.Errorf("OperationNotPermitted",
			"You can't publicly share this image because block public access for AMIs is enabled for this account.")
	case public && len(im.products) > 0:
		return core.Errorf("OperationNotPermitted", "Images with product codes cannot be shared publicly")
	}
	for _, m := range im.mappings {
		sn := s.snapshotByID(c.Now, m.snapshot)
		switch {
		case sn == nil || !sn.encrypted():
		case s.kms.Managed(sn.key):
			return core.Errorf("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
		case public:
			return core.Errorf("InvalidParameter", "Snapshot %s is encrypted. AMIs with encrypted snapshots cannot be made public", sn.id)
		}
	}
	return nil
}

// permit makes a change of launch permissions.
func (a *imageAccess) permit(ch permissionChange) {
	edit := func(list *[]string, value *string) {
		if value == nil {
			return
		}
		*list = slices.Clone(*list) // the old one may yet be told
		i, has := slices.BinarySearch(*list, *value)
		switch {
		case ch.remove && has:
			*list = slices.Delete(*list, i, i+1)
		case !ch.remove && !has:
			*list = slices.Insert(*list, i, *value)
		}
	}
	for _, p := range ch.entries {
		if p.Group != "" {
			a.public = !ch.remove
		}
		edit(&a.users, p.UserId)
		edit(&a.organizations, p.OrganizationArn)
		edit(&a.units, p.OrganizationalUnitArn)
	}
}

// list returns the permissions one by one.
func (a imageAccess) list() []permission {
	var out []permission
	if a.public {
		out = append(out, permission{Group: types.PermissionGroupAll})
	}
	for _, u := range a.users {
		out = append(out, permission{UserId: aws.String(u)})
	}
	for _, o := range a.organizations {
		out = append(out, permission{OrganizationArn: aws.String(o)})
	}
	for _, u := range a.units {
		out = append(out, permission{OrganizationalUnitArn: aws.String(u)})
	}
	return out
}

// GetImageBlockPublicAccessState tells whether images of the account can be
// made public in this Region.
func (s *Service) GetImageBlockPublicAccessState(c *core.Call, in *ec2.GetImageBlockPublicAccessStateInput) (*ec2.GetImageBlockPublicAccessStateOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	state := string(types.ImageBlockPublicAccessEnabledStateBlockNewSharing)
	if st.publicImages {
		state = string(types.ImageBlockPublicAccessDisabledStateUnblocked)
	}
	return &ec2.GetImageBlockPublicAccessStateOutput{ImageBlockPublicAccessState: aws.String(state), ManagedBy: types.ManagedByAccount}, nil
}

// EnableImageBlockPublicAccess keeps images of the account from being made
// public in this Region. Those that are public stay so.
func (s *Service) EnableImageBlockPublicAccess(c *core.Call, in *ec2.EnableImageBlockPublicAccessInput) (*ec2.EnableImageBlockPublicAccessOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	if in.ImageBlockPublicAccessState != types.ImageBlockPublicAccessEnabledStateBlockNewSharing {
		return nil, invalid("ImageBlockPublicAccessState", in.ImageBlockPublicAccessState)
	}
	st.publicImages = false
	return &ec2.EnableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: in.ImageBlockPublicAccessState}, nil
}

// DisableImageBlockPublicAccess lets images of the account be made public.
func (s *Service) DisableImageBlockPublicAccess(c *core.Call, in *ec2.DisableImageBlockPublicAccessInput) (*ec2.DisableImageBlockPublicAccessOutput, error) {
	st, err := s.setting(c, in.DryRun)
	if err != nil {
		return nil, err
	}
	st.publicImages = true
	return &ec2.DisableImageBlockPublicAccessOutput{ImageBlockPublicAccessState: types.ImageBlockPublicAccessDisabledStateUnblocked}, nil
}

// setting is the prologue of operations on a setting of an account in a
// Region. It returns the site that holds the settings.
func (s *Service) setting(c *core.Call, dryRun *bool) (*site, error) {
	st, err := s.here(c)
	if err != nil {
		return nil, err
	}
	return st, allowed(c, dryRun, onEverything(c.Operation))
}
