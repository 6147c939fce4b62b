given("of-rgb_dense__visionzip_25",{"outcomes":"212212222112124112211222","labels":null});
