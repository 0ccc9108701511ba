package core

import (
	"strings"
	"time"
)

// An InstanceProfile carries a role to EC2 instances.
type InstanceProfile struct {
	ARN      string
	UniqueID string // AIPA…
	Name     string
	Path     string // begins and ends with a slash
	Created  time.Time
	Tags     map[string]string
	Role     *Role // nil means none yet
}

// AddInstanceProfile adds a profile with a name, a path and tags. The name
// must not be taken.
func (a *Account) AddInstanceProfile(p InstanceProfile) *InstanceProfile {
	p.ARN = a.GlobalARN("iam", "instance-profile"+p.Path+p.Name)
	p.UniqueID, p.Created = a.cloud.NewUniqueID("AIPA"), stamp(a.cloud.Now())
	added := &p
	a.profiles[strings.ToLower(p.Name)] = added
	return added
}

// InstanceProfile returns the profile of exactly that name, or nil.
func (a *Account) InstanceProfile(name string) *InstanceProfile {
	if p := a.profiles[strings.ToLower(name)]; p != nil && p.Name == name {
		return p
	}
	return nil
}

// InstanceProfiles returns all profiles by name.
func (a *Account) InstanceProfiles() []*InstanceProfile { return sortedByName(a.profiles) }

// DeleteInstanceProfile deletes a profile.
func (a *Account) DeleteInstanceProfile(p *InstanceProfile) {
	delete(a.profiles, strings.ToLower(p.Name))
}
