package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/snapkeep/snapkeep/accounts"
)

// countCalls is an HTTP client that reaches nobody.
type countCalls int

func (c *countCalls) Do(*http.Request) (*http.Response, error) {
	*c++
	return nil, errors.New("no network in examples")
}

func ExampleParseID() {
	id, err := accounts.ParseID("012345678901")
	fmt.Println(id, err)
	_, err = accounts.ParseID("0123-4567-8901")
	fmt.Println(err)
	// Output:
	// 012345678901 <nil>
	// accounts: account id "0123-4567-8901": want 12 digits
}

func ExampleNew() {
	var calls countCalls
	base := aws.Config{ // a program has it from config.LoadDefaultConfig
		Region:      "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:  &calls,
	}
	sessions, err := accounts.New(base, []accounts.Account{
		{ID: "999999999999", Name: "vault"},
		{ID: "111111111111", Name: "shop", Chain: []accounts.Role{
			{ARN: "arn:aws:iam::999999999999:role/snapkeep-hub"},
			{ARN: "arn:aws:iam::111111111111:role/snapkeep-backup", ExternalID: "f81d4fae-7dec-11d0"},
		}},
	}, accounts.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	cfg, err := sessions.Config(ctx, "111111111111", accounts.Backup, "eu-central-1")
	fmt.Println(cfg.Region, err) // ec2.NewFromConfig(cfg) works in this site now

	_, err = sessions.Config(ctx, "111111111111", accounts.Pruner, "eu-central-1")
	fmt.Println(err)
	fmt.Println(int(calls), "calls")
	// Output:
	// eu-central-1 <nil>
	// accounts: account 111111111111: purpose "pruner": no role for this purpose
	// 0 calls
}

func ExampleNew_refused() {
	base := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	_, err := accounts.New(base, []accounts.Account{
		{ID: "111111111111", Chain: []accounts.Role{{ARN: "arn:aws:iam::222222222222:role/snapkeep"}}},
		{ID: "222222222222", Chain: []accounts.Role{{ARN: "arn:aws-cn:iam::222222222222:role/snapkeep"}}},
	}, accounts.Options{})
	fmt.Println(err)
	var field *accounts.FieldError
	fmt.Println(errors.As(err, &field), field.Account, field.Hop, field.Field)
	// Output:
	// accounts: account 111111111111: hop 1: ARN: "arn:aws:iam::222222222222:role/snapkeep" belongs to account 222222222222; the last hop must lead into the account declared
	// accounts: account 222222222222: hop 1: ARN: "arn:aws-cn:iam::222222222222:role/snapkeep" is in partition aws-cn, but Region eu-west-1 is in aws; roles do not cross partitions
	// true 111111111111 1 ARN
}

func ExampleSessions_Narrow() {
	base := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
	sessions, err := accounts.New(base, []accounts.Account{
		{ID: "111111111111", Purposes: map[accounts.Purpose][]accounts.Role{
			accounts.Pruner: {{ARN: "arn:aws:iam::111111111111:role/snapkeep-pruner", ExternalID: "f81d4fae-7dec-11d0"}},
		}},
	}, accounts.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// This prune may delete nothing younger than its policy's date.
	pruning, err := sessions.Narrow("111111111111", accounts.Pruner, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":"ec2:DeleteSnapshot","Resource":"*","Condition":{"DateLessThan":{"ec2:SnapshotTime":"2026-01-01T00:00:00Z"}}}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg, err := pruning.Config(context.Background(), "111111111111", accounts.Pruner, "eu-west-1")
	fmt.Println(cfg.Region, err)
	// Output: eu-west-1 <nil>
}
