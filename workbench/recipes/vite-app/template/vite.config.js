import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// "mpa": a path that is not there answers 404 instead of the front page.
export default defineConfig({
  appType: "mpa",
  plugins: [react()],
});
