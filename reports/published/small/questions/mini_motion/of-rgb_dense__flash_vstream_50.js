given("of-rgb_dense__flash_vstream_50",{"outcomes":"221111222112212122122111","labels":null});
