package stssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// DecodeAuthorizationMessage tells what an encoded message of a refusal says.
// Messages do not expire here; for how long AWS decodes them is not documented.
func (*Service) DecodeAuthorizationMessage(c *core.Call, in *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	if err := encoded.check("encodedMessage", in.EncodedMessage); err != nil {
		return nil, err
	}
	if err := c.Authorize(core.Need{Action: "sts:DecodeAuthorizationMessage", Resource: "*"}); err != nil {
		return nil, err
	}
	text, ok := c.DecodeFailure(*in.EncodedMessage)
	if !ok {
		return nil, core.Errorf("InvalidAuthorizationMessageException", "Message is not a valid encoded authorization message.")
	}
	return &sts.DecodeAuthorizationMessageOutput{DecodedMessage: aws.String(text)}, nil
}

// GetAccessKeyInfo tells whose an access key is, whoever asks. What AWS answers
// for a key that it does not know is not documented.
func (*Service) GetAccessKeyInfo(c *core.Call, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	if err := keyID.check("accessKeyId", in.AccessKeyId); err != nil {
		return nil, err
	}
	if err := c.Authorize(core.Need{Action: "sts:GetAccessKeyInfo", Resource: "*"}); err != nil {
		return nil, err
	}
	account := c.Cloud.KeyAccount(*in.AccessKeyId)
	if account == nil || account.Partition != c.Account.Partition {
		return nil, core.Errorf("ValidationError", "The access key %s does not exist.", *in.AccessKeyId)
	}
	return &sts.GetAccessKeyInfoOutput{Account: aws.String(account.ID)}, nil
}
