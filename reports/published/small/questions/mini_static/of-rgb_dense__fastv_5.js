given("of-rgb_dense__fastv_5",{"outcomes":"121212222112122121212122","labels":null});
