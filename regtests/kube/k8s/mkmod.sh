V=1.34.2; S=v0.34.2
# SPDX-License-Identifier: Apache-2.0
cat > go.mod <<M
module kube
go 1.24.0
require k8s.io/kubernetes v$V
M
for m in api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap code-generator component-base component-helpers controller-manager cri-api cri-client cri-streaming csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller; do
 [ $m = cri-streaming ] && continue
 echo "replace k8s.io/$m => k8s.io/$m $S" >> go.mod
done
