package preflight

// A Probe is one thing that Check looks at.
type Probe string

// The probes, in the order of a report. What depends on one that failed is not
// looked at.
const (
	// Installation: the installation is valid, and its documents fit.
	Installation Probe = "installation"
	// BaseCredentials: the host's own credentials are there and valid.
	BaseCredentials Probe = "base-credentials"
	// AccountState: AWS Organizations says that the account is active. Only
	// with Options.Organization.
	AccountState Probe = "account-state"
	// Declared: the sessions have a chain for each role of the installation.
	Declared Probe = "declared"
	// Assume: the role can be assumed. Where it is known why not, one of the
	// next probes says so in place of this one.
	Assume Probe = "assume"
	// RoleExists: there is a role under the ARN declared.
	RoleExists Probe = "role-exists"
	// Caller: who assumes the role is the installation's orchestrator, and may
	// assume it by its own policies.
	Caller Probe = "caller"
	// Trust: the role's trust policy names the orchestrator, as it is today,
	// and nobody of a foreign account.
	Trust Probe = "trust"
	// ExternalID: the role cannot be assumed without its external id, nor with
	// a wrong one, and can with the one declared.
	ExternalID Probe = "external-id"
	// SessionDuration: the role gives a session as long as the one declared.
	SessionDuration Probe = "session-duration"
	// Identity: the identity reached is of the account named, and the role declared.
	Identity Probe = "identity"
	// Region: the account can use the Region.
	Region Probe = "region"
	// Permission: the role may do what its purpose needs.
	Permission Probe = "permission"
	// Boundary: no permissions boundary stands in the way of that.
	Boundary Probe = "boundary"
	// Organization: no service or resource control policy does.
	Organization Probe = "organization"
	// Excess: the role may not do what it must not.
	Excess Probe = "excess"
	// KeyState: the key is there, enabled, symmetric and the customer's own.
	KeyState Probe = "key-state"
	// KeyPolicy: the key's policy lets the role make the calls of a copy.
	KeyPolicy Probe = "key-policy"
	// VaultTrust: no role of the vault trusts a protected account.
	VaultTrust Probe = "vault-trust"
	// VaultKeyPolicy: no key of the vault is open to a protected account.
	VaultKeyPolicy Probe = "vault-key-policy"
	// VaultShare: no snapshot of the vault is shared with a protected account,
	// or with everyone.
	VaultShare Probe = "vault-share"
)

// Probes returns all probes, in the order of a report.
func Probes() []Probe {
	return []Probe{
		Installation, BaseCredentials, AccountState, Declared, Assume, RoleExists, Caller, Trust, ExternalID, SessionDuration,
		Identity, Region, Permission, Boundary, Organization, Excess, KeyState, KeyPolicy, VaultTrust, VaultKeyPolicy, VaultShare,
	}
}
