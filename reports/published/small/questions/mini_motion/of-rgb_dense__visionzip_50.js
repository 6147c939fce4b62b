given("of-rgb_dense__visionzip_50",{"outcomes":"221112222112212122122111","labels":null});
