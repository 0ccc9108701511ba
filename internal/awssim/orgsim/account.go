package orgsim

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

var errNoAccount = core.Errorf("AccountNotFoundException", "You specified an account that doesn't exist.")

// accounts of the organization, by id.
func (o *organization) accounts() (all []*node) {
	for _, n := range o.nodes {
		if n.kind == account {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *node) int { return strings.Compare(a.id, b.id) })
	return all
}

// account finds an account of the organization.
func (o *organization) account(id *string) (*node, error) {
	n := o.nodes[aws.ToString(id)]
	if n == nil || n.kind != account {
		return nil, errNoAccount
	}
	return n, nil
}

// describeAccount tells an account with both its State and the Status that
// AWS has meant to retire since September 2026.
func (s *Service) describeAccount(o *organization, n *node) types.Account {
	method := types.AccountJoinedMethodCreated
	if n.invited {
		method = types.AccountJoinedMethodInvited
	}
	state, status := s.stateOf(n)
	return types.Account{
		Id: aws.String(n.id), Arn: aws.String(o.arn(n)), Name: aws.String(n.name), Email: aws.String(n.email),
		JoinedMethod: method, JoinedTimestamp: aws.Time(n.joined), State: state, Status: status,
		Paths: []string{o.pathOf(n)},
	}
}

// stateOf an account. The old Status knows fewer states: those of accounts
// that are closed or on hold are both SUSPENDED.
// Source: AWS Organizations User Guide, "Monitor the state of your AWS accounts".
func (s *Service) stateOf(n *node) (types.AccountState, types.AccountStatus) {
	switch s.cloud.Account(n.id).State {
	case core.PendingActivation:
		return types.AccountStatePendingActivation, types.AccountStatusActive
	case core.Suspended:
		return types.AccountStateSuspended, types.AccountStatusSuspended
	case core.PendingClosure:
		return types.AccountStatePendingClosure, types.AccountStatusPendingClosure
	case core.Closed:
		return types.AccountStateClosed, types.AccountStatusSuspended
	}
	return types.AccountStateActive, types.AccountStatusActive
}

// ListAccounts lists all accounts of the organization, closed ones included.
func (s *Service) ListAccounts(c *core.Call, in *organizations.ListAccountsInput) (*organizations.ListAccountsOutput, error) {
	o, err := s.enter(c, delegates)
	if err != nil {
		return nil, err
	}
	list, next, err := s.accountPage(o, o.accounts(), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListAccountsOutput{Accounts: list, NextToken: next}, nil
}

func (s *Service) accountPage(o *organization, all []*node, max *int32, token *string) ([]types.Account, *string, error) {
	nodes, next, err := cut(s, all, func(n *node) string { return n.id }, max, token)
	list := []types.Account{}
	for _, n := range nodes {
		list = append(list, s.describeAccount(o, n))
	}
	return list, next, err
}

// ListAccountsForParent lists the accounts right below the root or a unit.
func (s *Service) ListAccountsForParent(
	c *core.Call, in *organizations.ListAccountsForParentInput,
) (*organizations.ListAccountsForParentOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.ParentId))
	if err != nil {
		return nil, err
	}
	parent, err := o.parent(in.ParentId)
	if err != nil {
		return nil, err
	}
	list, next, err := s.accountPage(o, parent.childrenOf(account), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &organizations.ListAccountsForParentOutput{Accounts: list, NextToken: next}, nil
}

// DescribeAccount tells one account.
func (s *Service) DescribeAccount(c *core.Call, in *organizations.DescribeAccountInput) (*organizations.DescribeAccountOutput, error) {
	o, err := s.enter(c, delegates, onNode(in.AccountId))
	if err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	d := s.describeAccount(o, n)
	return &organizations.DescribeAccountOutput{Account: &d}, nil
}

// MoveAccount moves an account to another parent, whose policies bind it at once.
func (s *Service) MoveAccount(c *core.Call, in *organizations.MoveAccountInput) (*organizations.MoveAccountOutput, error) {
	o, err := s.enter(c, manager, onNode(in.AccountId), onNode(in.SourceParentId), onNode(in.DestinationParentId))
	if err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	from, err := o.parent(in.SourceParentId)
	if err != nil || n.parent != from {
		return nil, core.Errorf("SourceParentNotFoundException", "We can't find a source root or OU with the ParentId that you specified.")
	}
	to, err := o.parent(in.DestinationParentId)
	if err != nil {
		return nil, core.Errorf("DestinationParentNotFoundException", "We can't find the destination container (a root or OU) with the ParentId that you specified.")
	}
	if from == to {
		return nil, core.Errorf("DuplicateAccountException", "That account is already present in the specified destination.")
	}
	from.remove(n)
	n.parent = to
	to.children = append(to.children, n)
	s.settle(o)
	return &organizations.MoveAccountOutput{}, nil
}

// CloseAccount closes a member account: its credentials work no more.
func (s *Service) CloseAccount(c *core.Call, in *organizations.CloseAccountInput) (*organizations.CloseAccountOutput, error) {
	o, err := s.enter(c, manager, onNode(in.AccountId))
	if err != nil {
		return nil, err
	}
	n, err := o.account(in.AccountId)
	if err != nil {
		return nil, err
	}
	o.closures = slices.DeleteFunc(o.closures, func(t time.Time) bool { return c.Now.Sub(t) >= 30*24*time.Hour })
	switch {
	case n.id == o.manager.ID:
		return nil, violates("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", "You can't close the management account.")
	case !n.closing.IsZero():
		return nil, core.Errorf("AccountAlreadyClosedException", "You attempted to close an account that is already closed.")
	case len(o.admins[n.id]) > 0:
		return nil, violates("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG", "You can't close an account that is a delegated administrator.")
	case len(o.closures) >= max(closuresMonth, len(o.accounts())/10):
		return nil, violates("CLOSE_ACCOUNT_QUOTA_EXCEEDED", "You have exceeded close account quota for the past 30 days.")
	}
	n.closing = c.Now
	o.closures = append(o.closures, c.Now)
	s.cloud.Account(n.id).State = core.PendingClosure
	return &organizations.CloseAccountOutput{}, nil
}
