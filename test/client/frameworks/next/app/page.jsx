import Image from 'next/image';

export default function Page() {
  return <Image src="products/rose.jpg" alt="A rose" width={320} height={200} sizes="50vw" quality={60} />;
}
