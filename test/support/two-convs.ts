// A program written by hand for `smallChip()`: convolution, pool, and a convolution in two pieces.
// It uses every kind of meta-operator but a dynamic product, and every place data can be.

const HASH = '0'.repeat(64);

export const TWO_CONVS = `cimbook-program 1
model "two-convs" ${HASH}
hardware "small" ${HASH} arrays=16
precision weight=8 activation=8

tensor input role=input positions=64 features=4 bits=8
tensor conv0.out role=activation positions=64 features=16 bits=8
tensor pool1.out role=activation positions=16 features=16 bits=8
tensor conv2.out role=output positions=16 features=96 bits=8

operator conv0 output=conv0.out matrix(m=64, n=36, k=16, groups=1) steps=[conv0.relu:activation]
  input input use=stream window(samples=1, out=8x8, in=8x8, stride=1, reach=2, lead=1)
operator pool1 output=pool1.out vector(class=pool, elements=1024)
  input conv0.out use=stream window(samples=1, out=4x4, in=8x8, stride=2, reach=2, lead=0)
operator conv2 output=conv2.out matrix(m=16, n=144, k=96, groups=1)
  input pool1.out use=stream window(samples=1, out=4x4, in=4x4, stride=1, reach=2, lead=1)

region r0 tensor=input features=0:4 window=64 at=external
region r1 tensor=pool1.out features=0:16 window=16 at=arrays[15]+0
region r2 tensor=input features=0:2 window=40 at=arrays[14-15]+256
region r3 tensor=input features=2:3 window=40 at=buffer+0
region r4 tensor=conv0.out features=0:4 window=40 at=buffer+40
region r5 tensor=conv0.out features=4:16 window=64 at=external
region r6 tensor=conv2.out features=0:96 window=16 at=external

CM.switch(TOM, arrays=[14-15])
CIM.write(operator=conv0, outputs=0:16, inner=0:36, copies=7, arrays=[0-13], from=[])
parallel {
  MEM.move(chunks=8, from=[r0], to=[r2, r3])
  CIM.mvm(operator=conv0, outputs=0:16, inner=0:36, copies=7, arrays=[0-13], chunks=8, from=[r2, r3, r0], to=[r4, r5])
  VEC.run(operator=pool1, chunks=4, from=[r4, r5], to=[r1])
}
CM.switch(TOC, arrays=[14])
CIM.write(operator=conv2, outputs=0:48, inner=0:144, copies=1, arrays=[0-14], from=[])
parallel {
  CIM.mvm(operator=conv2, outputs=0:48, inner=0:144, copies=1, arrays=[0-14], chunks=4, from=[r1], to=[r6])
}
CIM.write(operator=conv2, outputs=48:96, inner=0:144, copies=1, arrays=[0-14], from=[])
parallel {
  CIM.mvm(operator=conv2, outputs=48:96, inner=0:144, copies=1, arrays=[0-14], chunks=4, from=[r1], to=[r6])
}
`;
