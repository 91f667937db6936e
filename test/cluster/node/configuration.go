package node

import (
	"fmt"
	"os"
	"path/filepath"
)

// apiService is the address of the Service kubernetes, the first of the range.
const apiService = "198.18.2.1"

// Pause is the image of each Pod's first container.
const Pause = "node.test/pause:3.6"

const kubeconfig = `apiVersion: v1
kind: Config
current-context: node
contexts: [{name: node, context: {cluster: node, user: admin}}]
clusters: [{name: node, cluster: {server: "https://%[1]s:6443", certificate-authority: %[2]s/ca.crt}}]
users: [{name: admin, user: {client-certificate: %[2]s/admin.crt, client-key: %[2]s/admin.key}}]
`

// kubeletConfig has the defaults, except for what a node in a sandbox needs and for how soon
// the kubelet looks at ConfigMaps, a minute by default.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
syncFrequency: 10s
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupRoot: /%[1]s
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDomain: cluster.local
clusterDNS: [%[2]s]
resolvConf: %[3]s/resolv.conf
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[3]s/ca.crt}}
authorization: {mode: Webhook}
evictionHard: {memory.available: 1Mi, nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%"}
imageGCHighThresholdPercent: 100
`

const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%s"
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "%s/cni"
`

// cniConfig gives each Pod a device of its own, so that all packets between Pods are routed.
const cniConfig = `{"cniVersion": "0.4.0", "name": "node", "plugins": [{"type": "ptp", "mtu": 1500,
"ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

// configure writes the files of all programs. The search domains are those of the node, and
// Pods inherit them.
func configure(dir string, search string) error {
	for name, text := range map[string]string{
		"kubeconfig":      fmt.Sprintf(kubeconfig, Address, dir),
		"kubelet.yaml":    fmt.Sprintf(kubeletConfig, cgroup, ClusterDNS, dir),
		"containerd.toml": fmt.Sprintf(containerdConfig, Pause, dir),
		"cni/10.conflist": fmt.Sprintf(cniConfig, podRange),
		"resolv.conf":     fmt.Sprintf("nameserver %s\nsearch %s\n", Upstream, search),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// program is a command line.
type program struct {
	name string
	args []string
}

// controlPlane returns what has to run before the node.
func controlPlane(dir string) (etcd, apiserver program, others []program) {
	in := func(name string) string { return filepath.Join(dir, name) }
	etcd = program{"etcd", []string{"--data-dir=" + in("etcd"), "--listen-client-urls=http://127.0.0.1:2379",
		"--advertise-client-urls=http://127.0.0.1:2379", "--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync"}}
	apiserver = program{"kube-apiserver", []string{"--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=" + Address, "--advertise-address=" + Address, "--secure-port=6443",
		"--tls-cert-file=" + in("server.crt"), "--tls-private-key-file=" + in("server.key"), "--client-ca-file=" + in("ca.crt"),
		"--kubelet-client-certificate=" + in("admin.crt"), "--kubelet-client-key=" + in("admin.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + in("accounts.crt"),
		"--service-account-signing-key-file=" + in("accounts.key"),
		"--authorization-mode=RBAC", "--allow-privileged", "--service-cluster-ip-range=" + serviceRange}}
	config := "--kubeconfig=" + in("kubeconfig")
	others = []program{
		{"kube-controller-manager", []string{config, "--leader-elect=false", "--controllers=*,-node-ipam-controller",
			"--service-account-private-key-file=" + in("accounts.key"), "--root-ca-file=" + in("ca.crt")}},
		{"kube-scheduler", []string{config, "--leader-elect=false"}},
		{"kube-proxy", []string{config, "--hostname-override=node", "--conntrack-max-per-core=0", "--cluster-cidr=" + podRange}},
	}
	return etcd, apiserver, others
}

// kubelet returns the node's own programs.
func kubelet(dir string) (containerd, kubelet program) {
	in := func(name string) string { return filepath.Join(dir, name) }
	return program{"containerd", []string{"--config", in("containerd.toml")}},
		program{"kubelet", []string{"--config=" + in("kubelet.yaml"), "--kubeconfig=" + in("kubeconfig"),
			"--hostname-override=node", "--node-ip=" + Address}}
}
