given("of-rgb_dense__visionzip_10",{"outcomes":"212212221221122112121212","labels":null});
