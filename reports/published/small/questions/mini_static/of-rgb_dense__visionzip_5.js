given("of-rgb_dense__visionzip_5",{"outcomes":"212212222121122112221212","labels":null});
