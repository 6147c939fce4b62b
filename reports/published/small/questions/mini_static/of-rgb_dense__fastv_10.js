given("of-rgb_dense__fastv_10",{"outcomes":"121212222112122121212122","labels":null});
