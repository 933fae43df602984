plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "com.example.recognise"
    compileSdk = 34

    defaultConfig {
        applicationId = "com.example.recognise"
        minSdk = 21
        targetSdk = 34
        versionCode = 1
        versionName = "1.0"
        ndk { abiFilters += "arm64-v8a" }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlinOptions { jvmTarget = "17" }
}

dependencies {
    // `tvm-mnv3 package BUNDLE --for android -o app/libs` puts it there.
    implementation(fileTree("libs") { include("*.aar") })
}
