package core

import (
	"slices"
	"strings"
	"time"

	"github.com/snapkeep/snapkeep/iampolicy"
)

// A User is an IAM user.
type User struct {
	Holder

	Name string
	Path string // begins and ends with a slash; empty means "/"
	// Policies in force and Boundary follow from what the Holder holds; PutUser
	// takes documents here. A nil Boundary means none.
	Policies []*iampolicy.Document
	Boundary *iampolicy.Document
	Tags     map[string]string
	// Keys are the user's access keys, oldest first.
	Keys []*AccessKey
}

// An AccessKey is a long-term key of a user.
type AccessKey struct {
	Key
	Created  time.Time
	Inactive bool
	// Used is when and where the key last signed, and UsedFor which service.
	Used    Use
	UsedFor string

	signs *accessKey
}

// PutUser makes a user with an access key, or replaces all but the identity
// and the keys of the user of that name.
func (a *Account) PutUser(u User) *User {
	have := a.User(u.Name)
	if have == nil {
		have = a.AddUser(User{Name: u.Name, Path: u.Path})
	}
	if len(have.Keys) == 0 {
		have.AddKey()
	}
	have.Tags = u.Tags
	have.put(u.Name, u.Policies, u.Boundary)
	have.Settle()
	return have
}

// AddUser adds a user with a name, a path and tags, who has no key and no
// policies yet. The name must not be taken.
func (a *Account) AddUser(u User) *User {
	if u.Path == "" {
		u.Path = "/"
	}
	added := &User{Name: u.Name, Path: u.Path, Tags: u.Tags}
	added.Holder = Holder{
		Account: a, ARN: a.GlobalARN("iam", "user"+u.Path+u.Name), UniqueID: a.cloud.NewUniqueID("AIDA"), Created: stamp(a.cloud.Now()),
	}
	a.users[strings.ToLower(u.Name)] = added
	return added
}

// User returns the user of exactly that name, or nil.
func (a *Account) User(name string) *User {
	if u := a.users[strings.ToLower(name)]; u != nil && u.Name == name {
		return u
	}
	return nil
}

// Users returns all users by name.
func (a *Account) Users() []*User { return sortedByName(a.users) }

// Settle puts what the user holds into force.
func (u *User) Settle() {
	old := standing{u.Policies, u.Boundary}
	u.Policies, u.Boundary = u.documents()
	u.settled(old, standing{u.Policies, u.Boundary})
}

// Key returns the user's oldest access key. The user has one, if PutUser made it.
func (u *User) Key() Key { return u.Keys[0].Key }

// SetKey replaces the user's oldest access key. It reports false, and changes
// nothing, if another caller has the key id.
func (u *User) SetKey(k Key) bool {
	keys, mine := u.Account.cloud.keys, u.Keys[0]
	if have := keys[k.ID]; have != nil && have != mine.signs {
		return false
	}
	delete(keys, mine.ID)
	mine.Key, mine.signs.id, mine.signs.secret = k, k.ID, k.Secret
	u.Account.cloud.addKey(mine.signs)
	return true
}

// AddKey gives the user another access key.
func (u *User) AddKey() *AccessKey {
	c := u.Account.cloud
	signs := c.longTermKey(u.Account, Caller{ARN: u.ARN, UserID: u.UniqueID, User: u})
	k := &AccessKey{Key: Key{signs.id, signs.secret}, Created: stamp(c.Now()), signs: signs}
	u.Keys = append(u.Keys, k)
	return k
}

// SetInactive makes a key of the user unable to sign, or able again.
func (u *User) SetInactive(k *AccessKey, inactive bool) {
	k.Inactive = inactive
	if inactive {
		delete(u.Account.cloud.keys, k.ID)
	} else {
		u.Account.cloud.keys[k.ID] = k.signs
	}
}

// DeleteKey takes a key from the user.
func (u *User) DeleteKey(k *AccessKey) {
	delete(u.Account.cloud.keys, k.ID)
	u.Keys = slices.DeleteFunc(u.Keys, func(x *AccessKey) bool { return x == k })
}

// DeleteUser deletes a user and its access keys. An unknown name is no error.
func (a *Account) DeleteUser(name string) {
	u := a.User(name)
	if u == nil {
		return
	}
	for _, k := range slices.Clone(u.Keys) {
		u.DeleteKey(k)
	}
	delete(a.users, strings.ToLower(name))
}
