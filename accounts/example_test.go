package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/snapkeep/snapkeep/accounts"
	"github.com/snapkeep/snapkeep/internal/awssim"
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

func ExampleLoad() {
	accts, err := accounts.Load(strings.NewReader(`
accounts:
  - id: "999999999999"
    name: vault
  - id: "111111111111"
    name: shop
    chain:
      - arn: arn:aws:iam::111111111111:role/snapkeep-backup
        externalId: f81d4fae-7dec-11d0
        duration: 1h
`))
	for _, a := range accts {
		fmt.Println(a.ID, a.Name, len(a.Chain), "hops")
	}
	fmt.Println(err)

	_, err = accounts.Load(strings.NewReader(`[
  {"id": "111111111111", "chain": [
    {"arn": "arn:aws:iam::111111111111:role/snapkeep-backup", "external_id": "f81d4fae-7dec-11d0"}
  ]}
]`))
	fmt.Println(err)
	// Output:
	// 999999999999 vault 0 hops
	// 111111111111 shop 1 hops
	// <nil>
	// accounts: line 3: account 111111111111: hop 1: external_id: unknown field; did you mean externalId?
}

// The documented file loads.
func ExampleLoad_file() {
	f, err := os.Open("testdata/accounts.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	accts, err := accounts.Load(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range accts {
		fmt.Println(a.ID, a.Name)
	}
	// Output:
	// 999999999999 vault
	// 111111111111 shop
	// 012345678901 bank
	// 555555555555 clean room
}

func ExampleSave() {
	err := accounts.Save(os.Stdout, []accounts.Account{{ID: "012345678901", Name: "shop", Chain: []accounts.Role{{
		ARN: "arn:aws:iam::012345678901:role/snapkeep-backup", ExternalID: "f81d4fae-7dec-11d0", Duration: 90 * time.Minute,
	}}}})
	fmt.Println(err)
	// Output:
	// accounts:
	//   - id: "012345678901"
	//     name: shop
	//     chain:
	//       - arn: arn:aws:iam::012345678901:role/snapkeep-backup
	//         externalId: f81d4fae-7dec-11d0
	//         duration: 1h30m
	// <nil>
}

func ExampleNewExternalID() {
	fmt.Println(len(accounts.NewExternalID()), "letters and digits")
	// Output: 26 letters and digits
}

func ExampleDeriveExternalIDs() {
	derive, err := accounts.DeriveExternalIDs([]byte("a secret that the host keeps"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(derive("111111111111"))
	fmt.Println(derive("222222222222"))
	fmt.Println(derive("111111111111"))
	// Output:
	// DES5VU4AGG25BGX35QOKRAT6UA
	// 3CXG2M4MQTC3BFBFSZIUX7EMO4
	// DES5VU4AGG25BGX35QOKRAT6UA
}

func ExampleOrganization() {
	cloud := awssim.New(awssim.Options{}) // a program has a client of config.LoadDefaultConfig
	cloud.SetOrganization("o-a1b2c3d4e5", "999999999999", "111111111111", "222222222222")
	api := organizations.NewFromConfig(cloud.Config(cloud.User("999999999999", "lister", awssim.Admin()), "us-east-1"))
	derive, err := accounts.DeriveExternalIDs([]byte("a secret that the host keeps"))
	if err != nil {
		fmt.Println(err)
		return
	}
	filter := accounts.OrganizationFilter{
		ExceptManagement: true,
		Template: accounts.AccountTemplate{
			Chain:      []accounts.Role{{ARN: "arn:{partition}:iam::{account}:role/snapkeep-backup"}},
			ExternalID: derive,
		},
	}
	for a, err := range accounts.Organization(context.Background(), api, filter) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(a.ID, a.Chain[0].ARN)
	}
	// Output:
	// 111111111111 arn:aws:iam::111111111111:role/snapkeep-backup
	// 222222222222 arn:aws:iam::222222222222:role/snapkeep-backup
}

func ExampleSessions_AssumeWith() {
	var calls countCalls
	base := aws.Config{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), HTTPClient: &calls,
	}
	sessions, err := accounts.New(base, []accounts.Account{
		{ID: "111111111111", Chain: []accounts.Role{{ARN: "arn:aws:iam::111111111111:role/snapkeep-backup", ExternalID: "f81d4fae-7dec-11d0"}}},
	}, accounts.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A nil error would mean that the role does not demand its external id.
	err = sessions.AssumeWith(context.Background(), "111111111111", accounts.Backup, "?")
	fmt.Println(err, int(calls))
	// Output: accounts: account 111111111111: purpose backup: hop 1: ExternalID: has a character other than letters, digits and _+=,.@:/- 0
}

func ExampleAccount_Roles() {
	shop := accounts.Account{
		ID:    "111111111111",
		Chain: []accounts.Role{{ARN: "arn:aws:iam::111111111111:role/snapkeep-backup"}},
	}
	chain, ok := shop.Roles(accounts.Backup)
	fmt.Println(len(chain), ok)
	_, ok = shop.Roles(accounts.Pruner)
	fmt.Println(ok)
	// Output:
	// 1 true
	// false
}
