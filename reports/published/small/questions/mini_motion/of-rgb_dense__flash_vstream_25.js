given("of-rgb_dense__flash_vstream_25",{"outcomes":"221111212112212122122111","labels":null});
