package world

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/backup/backuptest"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// A World is a simulated AWS that was built from a Script.
type World struct {
	// Cloud is the simulated AWS.
	Cloud *backuptest.Cloud
	// Variables are what its clients want to know, as environment variables
	// in the order in which they are to be shown.
	Variables []Variable

	region string
	write  time.Duration // see Script.WriteLatency
}

// A Variable of the environment.
type Variable struct {
	Name, Value string // both as they are, without quotes
}

// New builds what the script describes, as far as it was not interrupted.
func New(ctx context.Context, s *Script, seed uint64) (*World, error) {
	w := &World{
		Cloud:  backuptest.New(backuptest.Options{Seed: seed, Latency: s.Latency, Unlimited: s.Unlimited}),
		region: s.Region,
		write:  s.WriteLatency,
	}
	w.Cloud.SetDurations(s.durations())
	w.Cloud.SetQuotas(backuptest.Quotas{PendingPerVolume: -1, Spacing: -1, PendingPerSite: -1})
	if s.Managed {
		w.Cloud.ManageInstances()
	}
	w.set("AWS_REGION", s.Region)
	w.set("AWS_DEFAULT_REGION", s.Region)
	// Clients must not look for credentials at an address that is not ours.
	w.set("AWS_EC2_METADATA_DISABLED", "true")
	for _, a := range s.Accounts {
		if err := w.identities(a); err != nil {
			return nil, err
		}
	}
	for _, a := range s.Accounts {
		if err := w.resources(ctx, a); err != nil {
			return nil, fmt.Errorf("account %s: %w", a.ID, err)
		}
	}
	w.Cloud.SetQuotas(backuptest.Quotas(s.Quotas))
	w.Cloud.SetFault(decider(s.Faults, seed))
	return w, nil
}

func (s *Script) durations() backuptest.Durations {
	d := s.Durations
	return backuptest.Durations{
		Snapshot: d.Snapshot, SnapshotBlock: d.SnapshotBlock, Copy: d.Copy, CopyBlock: d.CopyBlock,
		Volume: d.Volume, Attachment: d.Attachment, Instance: d.Instance, Image: d.Image,
		Archive: d.Archive, Restore: d.Restore, Account: d.Account, Command: d.Command, Speed: s.Speed,
	}
}

func (w *World) set(name, value string) {
	w.Variables = append(w.Variables, Variable{name, value})
}

// identities makes the users and roles of an account, and tells its keys. The
// first account's first user is who clients are if they do not choose.
func (w *World) identities(a Account) error {
	id := accounts.ID(a.ID)
	if a.Partition != "" {
		if err := w.Cloud.SetPartition(id, a.Partition); err != nil {
			return err
		}
	}
	if a.Organization != "" {
		w.Cloud.SetOrganization(a.Organization, id)
	}
	for i, u := range a.Users {
		provider := w.Cloud.User(id, u.Name, documents(u.Policies)...)
		if u.Key != nil {
			var err error
			if provider, err = w.Cloud.SetAccessKey(id, u.Name, u.Key.ID, u.Key.Secret); err != nil {
				return err
			}
		}
		suffix := "_" + a.ID
		if i > 0 {
			suffix += "_" + word(u.Name)
		}
		if err := w.credentials(suffix, provider); err != nil {
			return err
		}
	}
	if len(a.Users) == 0 {
		if err := w.credentials("_"+a.ID, w.Cloud.Root(id)); err != nil {
			return err
		}
	}
	for _, r := range a.Roles {
		w.Cloud.PutRole(id, backuptest.Role{
			Name: r.Name, Path: r.Path, Trust: r.Trust.doc, Policies: documents(r.Policies), Boundary: r.Boundary.doc,
			MaxSession: r.MaxSession, Tags: r.Tags,
		})
	}
	var scps [][]*iampolicy.Document
	for _, level := range a.SCPs {
		scps = append(scps, documents(level))
	}
	if len(scps) > 0 {
		w.Cloud.SetSCP(id, scps...)
	}
	return nil
}

// credentials tells a key under a suffix; the first of all without one, too.
func (w *World) credentials(suffix string, provider aws.CredentialsProvider) error {
	c, err := provider.Retrieve(context.Background()) // it is in memory
	if err != nil {
		return err
	}
	suffixes := []string{suffix}
	if !w.has("AWS_ACCESS_KEY_ID") {
		suffixes = []string{"", suffix}
	}
	for _, s := range suffixes {
		w.set("AWS_ACCESS_KEY_ID"+s, c.AccessKeyID)
		w.set("AWS_SECRET_ACCESS_KEY"+s, c.SecretAccessKey)
	}
	return nil
}

func (w *World) has(name string) bool {
	for _, v := range w.Variables {
		if v.Name == name {
			return true
		}
	}
	return false
}

// word makes a name fit into that of a variable: upper case, and an underscore
// for whatever is no letter or digit.
func word(name string) string {
	b := []byte(name)
	for i, c := range b {
		switch {
		case 'a' <= c && c <= 'z':
			b[i] = c - 'a' + 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			b[i] = '_'
		}
	}
	return string(b)
}

// Handler returns the world as an HTTP server.
func (w *World) Handler() http.Handler { return slowWrites(w.Cloud.Handler(), w.write) }
