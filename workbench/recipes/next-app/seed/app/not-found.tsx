import Link from "next/link";

export default function NotFound() {
  return (
    <main>
      <Link href="/">Home</Link>
    </main>
  );
}
