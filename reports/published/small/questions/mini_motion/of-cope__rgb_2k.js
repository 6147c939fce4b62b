given("of-cope__rgb_2k",{"outcomes":"122112231223212331322221","labels":null});
