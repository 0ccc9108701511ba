package story_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/iampolicy"
)

// turn does something to a key, as somebody who may.
func turn(key func(*stage) string, do func(context.Context, *kms.Client, *string) error) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		id := key(s)
		return do(ctx, kms.NewFromConfig(s.keyOwner(id)), aws.String(id))
	}
}

func disable(ctx context.Context, c *kms.Client, key *string) error {
	_, err := c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key})
	return err
}

func enable(ctx context.Context, c *kms.Client, key *string) error {
	_, err := c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key})
	return err
}

// doom schedules a key's deletion: from then on it cannot be used.
func doom(ctx context.Context, c *kms.Client, key *string) error {
	_, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key, PendingWindowInDays: aws.Int32(7)})
	return err
}

func spare(ctx context.Context, c *kms.Client, key *string) error {
	if _, err := c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: key}); err != nil {
		return err
	}
	return enable(ctx, c, key)
}

// without installs a paper without the statements whose Sid begins so.
func without(paper, sid string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		p := s.paper(paper)
		less := *p.doc
		less.Statements = slices.DeleteFunc(slices.Clone(less.Statements), func(st iampolicy.Statement) bool {
			return strings.HasPrefix(st.Sid, sid)
		})
		return p.put(ctx, &less)
	}
}

// put installs a paper as it was generated.
func put(paper string) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error { return s.restored(ctx, paper) }
}

// changed installs a paper with its first statement changed.
func (s *stage) changed(ctx context.Context, paper string, edit func(*iampolicy.Statement)) error {
	p := s.paper(paper)
	other := *p.doc
	other.Statements = slices.Clone(other.Statements)
	edit(&other.Statements[0])
	return p.put(ctx, &other)
}

// restored installs papers as they were generated.
func (s *stage) restored(ctx context.Context, papers ...string) error {
	for _, name := range papers {
		p := s.paper(name)
		if err := p.put(ctx, p.doc); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// keyOwner returns a config for somebody who may do anything with a key: even
// with the vault's, by a policy that the key administrator has opened.
func (s *stage) keyOwner(key string) aws.Config {
	parts := strings.Split(key, ":")
	if accounts.ID(parts[4]) == theVault {
		s.openVaultKey(key)
	}
	return s.admin(accounts.ID(parts[4]), parts[3])
}

// openVaultKey adds to the vault key's policy what somebody would who misuses
// the key administrator's role, and takes away what forbids it.
func (s *stage) openVaultKey(key string) {
	open := *s.paper("vault key policy").doc
	open.Statements = slices.DeleteFunc(slices.Clone(open.Statements), func(st iampolicy.Statement) bool { return st.Effect == iampolicy.Deny })
	open.Statements = append(open.Statements, iampolicy.Statement{
		Sid: "Opened", Effect: iampolicy.Allow, Actions: iampolicy.Of("kms:*"), Resources: iampolicy.Of("*"),
		Principal: &iampolicy.Principals{By: map[string]iampolicy.Strings{"AWS": iampolicy.Of("arn:aws:iam::" + string(theVault) + ":root")}},
	})
	if err := s.putKeyPolicy(context.Background(), key, &open); err != nil {
		panic(err)
	}
}
