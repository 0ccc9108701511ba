package world

import (
	"errors"
	"fmt"
	"slices"

	"github.com/snapkeep/snapkeep/accounts"
)

// resolve fills in defaults, reads the files and refuses what cannot be built.
func (s *Script) resolve(open func(string) ([]byte, error)) error {
	if s.Region == "" {
		s.Region = "us-east-1"
	}
	if s.Speed < 0 {
		return fmt.Errorf("speed %v: want more than zero", s.Speed)
	}
	seen := map[string]bool{}
	for i := range s.Accounts {
		a := &s.Accounts[i]
		if _, err := accounts.ParseID(a.ID); err != nil {
			return err
		}
		if seen[a.ID] {
			return fmt.Errorf("account %s is there twice", a.ID)
		}
		seen[a.ID] = true
		if err := a.resolve(s.Region, open); err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	for i, f := range s.Faults {
		if err := f.check(); err != nil {
			return fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	return nil
}

func (a *Account) resolve(region string, open func(string) ([]byte, error)) error {
	for _, p := range a.policies() {
		if err := p.resolve(open); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	once := func(kind, name string) error {
		switch {
		case name == "":
			return fmt.Errorf("a %s without a name", kind)
		case names[kind+name]:
			return fmt.Errorf("%s %s is there twice", kind, name)
		}
		names[kind+name] = true
		return nil
	}
	var errs []error
	for _, u := range a.Users {
		errs = append(errs, once("user", u.Name))
	}
	for _, r := range a.Roles {
		errs = append(errs, once("role", r.Name))
		if r.Trust.doc == nil {
			errs = append(errs, fmt.Errorf("role %s: trust is missing", r.Name))
		}
	}
	for i := range a.Keys {
		orDefault(&a.Keys[i].Region, region)
		errs = append(errs, once("key", a.Keys[i].Alias))
	}
	for i := range a.Volumes {
		orDefault(&a.Volumes[i].Region, region)
		orDefault(&a.Volumes[i].Zone, "a")
		errs = append(errs, once("volume", a.Volumes[i].Name), a.checkVolume(&a.Volumes[i]))
	}
	for i := range a.Instances {
		in := &a.Instances[i]
		orDefault(&in.Region, region)
		orDefault(&in.Type, "t3.micro")
		errs = append(errs, once("instance", in.Name), a.checkInstance(in))
	}
	return errors.Join(errs...)
}

// policies are all policies of the account that are there.
func (a *Account) policies() []*Policy {
	var all []*Policy
	for i := range a.Users {
		all = append(all, pointers(a.Users[i].Policies)...)
	}
	for i := range a.Roles {
		r := &a.Roles[i]
		all = append(all, pointers(r.Policies)...)
		all = append(all, &r.Trust, &r.Boundary)
	}
	for i := range a.SCPs {
		all = append(all, pointers(a.SCPs[i])...)
	}
	for i := range a.Keys {
		all = append(all, &a.Keys[i].Policy)
	}
	return all
}

func pointers(policies []Policy) []*Policy {
	var all []*Policy
	for i := range policies {
		all = append(all, &policies[i])
	}
	return all
}

func (a *Account) checkInstance(in *Instance) error {
	for i := range in.Volumes {
		v := &in.Volumes[i]
		switch {
		case v.Device == "":
			return fmt.Errorf("instance %s: a volume without a device", in.Name)
		case v.Region != "" || v.Zone != "":
			return fmt.Errorf("instance %s: volume %s is where the instance is", in.Name, v.Device)
		case v.Snapshots != 0:
			return fmt.Errorf("instance %s: volume %s has no snapshots yet", in.Name, v.Device)
		case v.Name != "" || len(v.Tags) > 0:
			return fmt.Errorf("instance %s: volume %s has the tags of the instance", in.Name, v.Device)
		}
		v.Region = in.Region
		if err := a.checkVolume(v); err != nil {
			return fmt.Errorf("instance %s: %w", in.Name, err)
		}
	}
	return nil
}

func (a *Account) checkVolume(v *Volume) error {
	if v.Size == 0 {
		v.Size = 8
	}
	orDefault(&v.Type, "gp3")
	if v.Key != "" && !slices.ContainsFunc(a.Keys, func(k Key) bool { return k.Alias == v.Key && k.Region == v.Region }) {
		return fmt.Errorf("volume %s%s: there is no key %s in %s", v.Name, v.Device, v.Key, v.Region)
	}
	return nil
}

func orDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
