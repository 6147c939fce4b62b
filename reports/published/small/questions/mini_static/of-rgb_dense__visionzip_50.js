given("of-rgb_dense__visionzip_50",{"outcomes":"122212211221214121222112","labels":null});
