given("of-rgb_dense__flash_vstream_25",{"outcomes":"211221222112212112121222","labels":null});
